"""Drift as arithmetic on counts: bins frozen once, vectors of counts that add up, and verdicts on two of them."""
