"""POP3 (RFC 1939): a client of our own, because no other one asks for many messages at
a time.

Everything is bounded and has a deadline, every answer is matched to its command, and a
connection of which that is not certain any more is never used again.
"""
