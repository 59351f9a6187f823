"""Go source of a dump's frames: found, parsed, and read for what a frame holds and what it waits for. Nothing is
downloaded, and no program is run."""
