"""From analyses to requests to the pool model, and to projections."""
