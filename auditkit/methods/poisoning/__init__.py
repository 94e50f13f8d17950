"""Poisoning: training data and models that were tampered with, or are simply wrong, and how it shows."""
