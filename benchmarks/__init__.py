"""What the warehouse costs, measured; see README.md in this folder."""
