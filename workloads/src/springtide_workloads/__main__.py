"""`python -m springtide_workloads`: the command line."""

from springtide_workloads.main import app

app()
