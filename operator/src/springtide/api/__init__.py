"""The API: what users write, what Jobs are told, and what they answer.

One module per kind, beside them the task/result contract (`task`), the platform's settings (`platform`) and every
name that outlives a process (`constants`). Nothing here imports anything but pydantic, so that the workloads can
share it without the operator.
"""
