"""The only place that imports the Kubernetes client: what is read from the API server, and what is written to it."""
