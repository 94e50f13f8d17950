"""Scanning: what stands in files and tables, read as data. Nothing here runs, loads or asks what it reads."""
