"""What code scanning reads."""
