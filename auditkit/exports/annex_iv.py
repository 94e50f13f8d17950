"""Annex IV: an outline of the technical documentation that the EU AI Act asks for, filled from evidence and signed forms."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from auditkit.controls import coverage, load_catalogue
from auditkit.controls.coverage import STATUSES
from auditkit.errors import InputError
from auditkit.exports.facts import FACTS
from auditkit.exports.filled import answers, signers, stands
from auditkit.exports.numbers import dimensions, measurements
from auditkit.exports.paper import Paper, Points, Rows, Section, Words
from auditkit.exports.source import Source
from auditkit.render.text import one_line, words
from auditkit.report import Report
from auditkit.targets.base import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from auditkit.exports.paper import Block

__all__ = ["Point", "annex_iv", "points"]

_MOST = 15  # rows of one check: the report holds them all
_FRAMEWORK = "eu_ai_act"


@dataclass(frozen=True, slots=True)
class Point:
    """A point of Annex IV.

    Attributes
    ----------
    id, title : str
        Its number, and what it is about.
    asks : tuple of str
        What it asks for, in auditkit's words.
    write : tuple of str
        What people must still write.
    facts : tuple of str
        What a report knows of it, of `auditkit.exports.facts.FACTS`.
    measured : tuple of str
        Dimensions, or codes of checks, whose numbers speak to it.
    forms : tuple of str
        Kinds of forms whose answers speak to it.
    """

    id: str
    title: str
    asks: tuple[str, ...]
    write: tuple[str, ...]
    facts: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()


@cache
def _file() -> tuple[str, tuple[Point, ...]]:
    read = tomllib.loads((files("auditkit") / "exports" / "annex_iv.toml").read_text("utf-8"))
    made: Iterable[dict[str, Any]] = (
        {name: tuple(value) if isinstance(value, list) else value for name, value in one.items()}
        for one in read["point"]
    )
    return str(read["edition"]), tuple(Point(**one) for one in made)


def points() -> tuple[Point, ...]:
    """Return the points of Annex IV, in order."""
    return _file()[1]


def annex_iv(reports: Report | Source | Sequence[Report | Source]) -> Paper:
    """Return an outline of the technical documentation, filled from one or several reports about one system.

    Each point says what is asked, what evidence there is for it (numbers with their intervals, digests, versions, answers of forms), and what people must
    still write. It does not say that the documentation is complete, or that a requirement is met.

    Parameters
    ----------
    reports : Report or Source, or sequence of them
        The first about a model or a language model; others about its notebooks, its file, its software, its data.

    Raises
    ------
    InputError
        If there is none, or the first is about something that is no model.

    References
    ----------
    Regulation (EU) 2024/1689, Article 11 and Annex IV.
    """
    every = [reports] if isinstance(reports, (Report, Source)) else reports
    # a report that is given twice is told once
    sources = list({one.digest: one for one in map(Source.of, every)}.values())
    if not sources:
        raise InputError("technical documentation is made of a report about a model; got none")
    sources[0].hold(("model", "language_model"), "an outline of technical documentation")
    edition, known = _file()
    sections = [_overview(sources, known)]
    sections += [Section(f"{one.id} {one.title}", _blocks(sources, one)) for one in known]
    sections.append(_articles(sources))
    notices = (
        *_several(sources),
        f"An outline after {edition}. What is asked is said in auditkit's own words, which stand in for no text.",
        "It holds what audits measured and what people signed. The rest is for people to write; whether the documentation is complete, and whether any requirement is met, is for people to judge.",
    )
    return Paper(f"Technical documentation of {sources[0].name}: an outline", notices, tuple(sections))


def _several(sources: Sequence[Source]) -> list[str]:
    """Return what a reader must know of reports that are about several models."""
    models = {
        digest: f"{one.name} ({digest[:12]}, audited on {one.day})"
        for one in sources
        if (digest := one_line((one.data["subject"].get("model") or {}).get("digest")))
    }
    if len(models) < 2:
        return []
    return [
        f"The reports are about {len(models):,} models that differ: {'; '.join(models.values())}. See that they are of one system."
    ]


def _overview(sources: Sequence[Source], known: Sequence[Point]) -> Section:
    rows = tuple(
        (
            one.id,
            one.title,
            ", ".join(_codes(sources, one)) or ("facts of the report" if one.facts else "none"),
            _forms_in_words(sources, one),
            "; ".join(one.write),
        )
        for one in known
    )
    heads = ("Point", "About", "Evidence here", "Forms", "People must still write")
    about = Points(
        tuple(f"{one.name}: {KINDS.get(one.kind, one.kind)}, audited on {one.day}" for one in sources)
    )
    return Section("Overview", (about, Rows(heads, rows)))


def _codes(sources: Sequence[Source], point: Point) -> list[str]:
    """Return the checks that observed something and speak to a point."""
    found = []
    for source in sources:
        of = dimensions(source.data)
        found += [
            str(one["check"])
            for one in source.data["evidence"]
            if one.get("outcome", "observed") == "observed"
            and (one["check"] in point.measured or of.get(one["check"]) in point.measured)
        ]
    return list(dict.fromkeys(found))


def _forms_in_words(sources: Sequence[Source], point: Point) -> str:
    return "; ".join(f"{words(kind)}: {_form_stands(sources, kind)}" for kind in point.forms) or "none asked"


def _form_stands(sources: Sequence[Source], kind: str) -> str:
    every = [form for source in sources for form in source.forms(kind)]
    return (
        "not here"
        if not every
        else "signed"
        if any(map(stands, every))
        else "here, and not signed or rejected"
    )


def _blocks(sources: Sequence[Source], point: Point) -> tuple[Block, ...]:
    found: list[Block] = [Words("What is asked:"), Points(point.asks)]
    held = [(source, _evidence(source, point)) for source in sources]
    if point.facts or any(isinstance(block, Rows) for _, blocks in held for block in blocks):
        found.append(Words("Evidence:"))
    else:
        found.append(Words("Evidence: none in these reports."))
    for source, blocks in held:
        if blocks and len(sources) > 1:
            found.append(
                Words(f"From the report about {source.name} ({KINDS.get(source.kind, source.kind)}):")
            )
        found += blocks
    found += _filled(sources, point)
    return (*found, Words("People must still write:"), Points(point.write))


def _evidence(source: Source, point: Point) -> list[Block]:
    told = [block for name in point.facts for block in FACTS[name](source)]
    return [*told, *(measurements(source.data, point.measured, most=_MOST) if point.measured else ())]


def _filled(sources: Sequence[Source], point: Point) -> list[Block]:
    found: list[Block] = []
    for kind in point.forms:
        every = [form for source in sources for form in source.forms(kind)]
        if not every:
            found.append(Words(f"Form {words(kind)!r}: not here. Write it: auditkit form new {kind}"))
            continue
        first = next(one.id for one in points() if kind in one.forms)
        if first != point.id:
            found.append(Words(f"Form {words(kind)!r}: its answers stand under point {first}."))
            continue
        for form in every:
            found += [answers(form), Words(signers(form, names=True))]
    return found


def _articles(sources: Sequence[Source]) -> Section:
    """Return how the controls of the Act in auditkit's catalogue stand in the light of the reports."""
    known = load_catalogue()
    found = coverage([one.data for one in sources], known)
    rows = tuple(
        (
            one.control.id,
            one.control.title,
            STATUSES[one.status][0],
            ", ".join(one.checks),
            "; ".join(map(one_line, one.missing)),
        )
        for one in found.of(_FRAMEWORK)
    )
    heads = ("Article", "About", "Evidence stands", "Evidence of", "Not here")
    about = known.framework(_FRAMEWORK)
    return Section(
        "Evidence beside the articles of the Act",
        (Words(f"{about.words()}. {known.disclaimer}"), Rows(heads, rows)),
    )
