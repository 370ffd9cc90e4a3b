"""The operation `Snapshot`: from a source to an immutable, content-addressed copy that satisfies its contract."""
