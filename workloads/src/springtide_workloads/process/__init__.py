"""The process that runs a task: its logs, its progress, its end."""
