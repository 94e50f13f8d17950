"""Gradients: attacks that follow the slope of a model's loss, on tensors or arrays."""
