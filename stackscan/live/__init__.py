"""Live processes: captures at intervals, watched at bounded cost, kept on disk, and what changed told to others."""
