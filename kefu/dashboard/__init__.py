"""The dashboard: pages over the published file, in Chinese and English."""
