"""Content-addressed folders: what a task made, where readers can trust it."""
