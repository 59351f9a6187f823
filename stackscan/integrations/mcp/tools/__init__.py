"""The tools: each asks one question of sources or rules, and returns what it found as claims."""
