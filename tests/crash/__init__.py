"""The end of the program at any moment: what is lost, what is done twice."""
