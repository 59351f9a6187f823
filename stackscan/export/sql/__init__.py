"""SQL over the export tables, in a separate process with limited time and memory."""
