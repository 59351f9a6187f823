"""What programs read: fields are added, never renamed."""
