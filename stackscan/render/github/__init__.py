"""What GitHub Actions shows beside the code."""
