"""Serving models: looking versions up, answering requests, judging a candidate."""
