"""Closed periods: published figures frozen for pay, and what changed since."""
