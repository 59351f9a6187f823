"""What other systems load or serve: pytest's plugin, Prometheus' metrics."""
