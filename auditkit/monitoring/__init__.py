"""Monitoring: the log of a deployed model, window by window, under control limits that hold their rate of false alarms."""

from auditkit.monitoring.watching import Watched, monitor

__all__ = ["Watched", "monitor"]
