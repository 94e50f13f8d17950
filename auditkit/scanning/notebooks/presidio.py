"""Presidio: names of people and places in texts, by a language model that its user has installed. Nothing is downloaded for it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError, needs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditkit.scanning.notebooks.hits import Named

__all__ = ["names_in"]

MODEL = "en_core_web_lg"
_WANTED = ["PERSON", "LOCATION", "NRP"]
_SURE = 0.6
_LONGEST = 100_000  # letters that are read at once


def names_in(model: str = MODEL) -> Named:
    """Return what finds the names in a text: start and end of each.

    Parameters
    ----------
    model : str
        A model of spaCy, installed as a package.

    Raises
    ------
    InputError
        If presidio or the model is not installed: presidio would download it.
    """
    if find_spec("presidio_analyzer") is None:
        raise needs("presidio-analyzer", "presidio", "looking for names")
    if find_spec(model) is None:
        raise InputError(
            f"looking for names needs the model {model} as an installed package; auditkit downloads none: "
            f"see the page of spaCy on installing {model}"
        )
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    said = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]}
    engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=said).create_engine())
    return _Names(engine)


class _Names:
    """Asks an engine, part by part."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def __call__(self, text: str) -> Iterator[tuple[int, int]]:
        for at in range(0, len(text), _LONGEST):
            part = text[at : at + _LONGEST]
            for one in self._engine.analyze(text=part, language="en", entities=_WANTED):
                if one.score >= _SURE and part[one.start : one.end].strip("\ufffc \n"):
                    yield at + one.start, at + one.end
