"""Mailboxes of very many messages: the daemon's memory stays bounded."""
