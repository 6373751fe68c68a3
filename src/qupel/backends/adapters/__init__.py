"""Adapters: one module for each provider, which translates at its boundary and does nothing else.

A vendor's library is imported when one of its devices is opened.
"""
