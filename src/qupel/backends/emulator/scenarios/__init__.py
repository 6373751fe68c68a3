"""Scenarios, grouped by idea: one function each, named and described by itself."""
