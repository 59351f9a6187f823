"""Errors for input that is no goroutine dump: what it is instead, and the one command that gives the right thing."""
