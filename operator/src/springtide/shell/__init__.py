"""The process: kopf as the source of events, the work queue, the workers, leadership, health and metrics."""
