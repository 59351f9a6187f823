"""SQL over the export tables, in a process of its own with an end to its time and memory."""
