"""`postroom outbox`: what is to be sent, and what could not be."""
