"""Maildirs on this machine, with subfolders as Maildir++ has them.

A message is in `new/` or `cur/` only when all of it is on disk; other programs may
rename, flag and remove files at any time, and what is not ours is never touched.
"""
