"""Errors: what was expected, what came, and what to type."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "NO_POSITIVE",
    "NO_SENSITIVE",
    "AuditkitError",
    "Cancelled",
    "InputError",
    "ModelError",
    "NotApplicable",
    "ToolError",
    "did_you_mean",
    "in_words",
    "needs",
]

# what a subject lacks, and what to type in Python or in the subject file
NO_SENSITIVE = "no sensitive features: pass Dataset(X, y, sensitive_features=[...]), or add data.test.sensitive to the subject file"
NO_POSITIVE = "which class counts as selected is not known: pass Subject(..., positive=...), or add data.test.positive to the subject file"


class AuditkitError(Exception):
    """The root of every error auditkit raises on purpose."""


class InputError(AuditkitError, ValueError):
    """Something the caller gave cannot be used; the message says what to give instead."""


class NotApplicable(AuditkitError):  # noqa: N818 - a status of the report, not a mistake
    """A check cannot run on this subject; the message says what is missing. It becomes a finding."""


class ModelError(AuditkitError):
    """The model under audit did not answer, or could not be trained, as a model should."""


class ToolError(AuditkitError):
    """An external program could not be installed, did not end as it should, or wrote what cannot be read."""


class Cancelled(AuditkitError):  # noqa: N818 - a request, not a mistake
    """The person who started the audit asked it to stop."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest known word, or the list of them.

    Examples
    --------
    >>> did_you_mean("membersip", ["bias", "membership"])
    " Did you mean 'membership'?"
    >>> did_you_mean("AK3O3", ["AK303", "AK313"])  # the letter O for a nought
    " Did you mean 'AK303'?"
    >>> did_you_mean("shap", ["bias", "shap_importance"])  # a word of a name
    " Did you mean 'shap_importance'?"
    >>> did_you_mean("zzz", ["bias", "membership"])
    ' Known: bias, membership.'
    """
    words = sorted(set(known))
    if alike := [one for one in words if _looks(one) == _looks(str(word))]:
        return f" Did you mean {alike[0]!r}?"
    if parts := [one for one in words if str(word).casefold() in re.split(r"[\W_]+", one.casefold())]:
        return f" Did you mean {' or '.join(map(repr, parts[:3]))}?"
    close = difflib.get_close_matches(str(word), words, n=1, cutoff=0.6)
    if close:
        return f" Did you mean {close[0]!r}?"
    return f" Known: {', '.join(words)}." if words else ""


def _looks(word: str) -> str:
    """Return a word as it looks at a glance: case aside, and O and 0, l and 1 alike."""
    return word.casefold().translate(str.maketrans("ol", "01"))


def in_words(error: BaseException) -> str:
    """Return an error as a report says it.

    Examples
    --------
    >>> in_words(KeyError("age"))
    "KeyError: 'age'"
    """
    return f"{type(error).__name__}: {error}"


def needs(package: str, extra: str, purpose: str) -> InputError:
    """Return the error for an optional package that is not installed.

    Examples
    --------
    >>> str(needs("onnxruntime", "onnx", "an ONNX model"))
    'an ONNX model needs onnxruntime: pip install onnxruntime (of the extra "onnx")'
    """
    return InputError(f'{purpose} needs {package}: pip install {package} (of the extra "{extra}")')
