"""What we remember: the ledger of messages, the outbox, the cursors, and content."""
