"""What is made of a capture: the only place that classifies, counts pools, and finds locks, creation sites and
affected versions."""
