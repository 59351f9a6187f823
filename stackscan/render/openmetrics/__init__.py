"""OpenMetrics, the format of Prometheus: the names of all metrics, and a report as metrics."""
