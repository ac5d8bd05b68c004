"""Files of the platform into landings: what `kefu ingest` does."""
