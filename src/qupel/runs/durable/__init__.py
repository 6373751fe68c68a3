"""Durable work: pipelines and paid jobs that resume wherever their process was killed."""
