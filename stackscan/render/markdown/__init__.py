"""What people read in an issue or a pull request."""
