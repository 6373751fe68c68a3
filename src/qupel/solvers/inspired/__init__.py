"""inspired."""
