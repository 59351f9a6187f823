"""Tells others when a verdict changes: runs commands and posts to addresses, in threads that nobody waits for."""
