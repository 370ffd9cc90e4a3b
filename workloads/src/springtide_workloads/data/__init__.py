"""Parquet files as training data: found, pinned by digest, split, and streamed in chunks."""
