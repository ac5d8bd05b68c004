"""The pages, one module each; each has draw(context)."""
