"""A model of mail that comes and of all that befalls a daemon, and what must hold."""
