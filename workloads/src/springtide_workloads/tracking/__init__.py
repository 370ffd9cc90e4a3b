"""MLflow: where people compare runs, and the registry of model versions."""
