"""How mail comes and goes: IMAP in, SMTP out."""
