"""Kefu: landing, building and publishing the customer service warehouse."""

__version__ = "0.1.0"
