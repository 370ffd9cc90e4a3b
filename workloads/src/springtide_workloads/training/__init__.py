"""The operation `Train`: from a task to a model that is stored, judged, tracked and registered."""
