"""Exports: what a saved report knows, in the forms that other tools, authorities and readers of models ask for."""
