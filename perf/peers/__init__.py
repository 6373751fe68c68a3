"""One worker a library: the same tasks, each in its own environment, under one protocol."""
