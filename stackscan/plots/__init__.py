"""Pictures of the pool model's curves: in a terminal, and as files."""
