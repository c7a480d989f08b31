"""The daemon on a bad network, for long: nothing lost, nothing done twice."""
