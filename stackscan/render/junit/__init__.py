"""What CI systems read as test results."""
