"""From analyses to what the pool model is asked, and to projections."""
