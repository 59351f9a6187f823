"""Where a command writes, what it shows while it works, and how the program ends."""
