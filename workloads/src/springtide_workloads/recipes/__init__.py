"""Training programs: one file each, chosen by name."""
