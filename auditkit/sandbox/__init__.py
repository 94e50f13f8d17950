"""Sandbox: a child process that is asked questions under limits, and answers in plain arrays.

Nothing is imported here: the child gives up its rights while it is a single thread, before any library starts more.
"""
