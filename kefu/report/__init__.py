"""The day's page: one HTML file, for people without the dashboard."""
