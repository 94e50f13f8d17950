"""Render: dictionaries in, text, figures and pages out. Nothing here computes a result."""
