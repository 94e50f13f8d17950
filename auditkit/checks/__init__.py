"""Checks: one module a family; each check is a function that observes a subject and returns evidence."""
