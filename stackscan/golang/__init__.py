"""Go source: found, parsed, and read for what a frame holds and what it waits for."""
