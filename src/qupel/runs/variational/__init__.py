"""Variational loops on paid machines: each evaluation paid once, every shot logged, repeatable."""
