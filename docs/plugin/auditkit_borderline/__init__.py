"""auditkit-borderline: how many decisions hang on the place of the threshold."""

from pathlib import Path

__all__ = ["templates"]


def templates() -> Path:
    """Return the folder of the templates; the entry point ``auditkit.templates`` names this function."""
    return Path(__file__).parent / "templates"
