"""What people read in a terminal or a pipe."""
