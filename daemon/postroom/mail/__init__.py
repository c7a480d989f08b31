"""What mail is: messages, addresses, envelopes, and how new messages are written."""
