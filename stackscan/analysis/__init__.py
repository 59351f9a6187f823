"""Analyses captures: the only place that classifies, counts pools, and finds locks, creation sites and versions."""
