"""Batch: subjects x templates x parameters from a plan, in worker processes, killed and resumed without loss."""
