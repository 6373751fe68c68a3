"""Qupel inside other systems. Each module imports the other system on first use."""
