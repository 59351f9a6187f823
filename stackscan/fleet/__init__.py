"""Many captures of many hosts as one answer: each finding once, who has it, who differs, what could not be read."""
