"""Springtide: a Kubernetes operator that keeps machine-learning models fresh."""
