"""The whole of postroom, as a program, between real mail servers."""
