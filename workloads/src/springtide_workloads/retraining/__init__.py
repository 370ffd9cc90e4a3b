"""What became of a pass of the loop, kept where it outlives the object that told it."""
