"""Model card: a page about a model as model hubs read it, made of the evidence of an audit and of what people wrote and signed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.exports.filled import answers, signers, stands
from auditkit.exports.numbers import dimensions, gaps, judged, measurements, template_words, unsigned
from auditkit.exports.paper import Paper, Points, Rows, Section, Words, as_markdown
from auditkit.exports.source import Source
from auditkit.packing.publishing import public_form
from auditkit.render.text import count, finite, measured, one_line, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditkit.exports.paper import Block
    from auditkit.report import Report

__all__ = ["HUB_METRICS", "NOT_WRITTEN", "model_card"]

NOT_WRITTEN = "Not written: auditkit form new intended_use"

HUB_METRICS = {"auc": "roc_auc", "mean_absolute_error": "mae", "r2": "r_squared"}
"""Metrics that hubs call by a name of their own; others keep the name they have here."""

_TASKS = {
    "binary": ("tabular-classification", "Classification in two classes"),
    "multiclass": ("tabular-classification", "Classification in several classes"),
    "regression": ("tabular-regression", "Regression"),
}
_PARTS = (
    ("Fairness", ("bias",), "No check of bias was part of this audit."),
    ("Privacy", ("membership", "privacy", "external"), "No check of privacy was part of this audit."),
    ("Robustness", ("robustness", "drift"), "No check of robustness was part of this audit."),
    ("Probes in words", ("language_model",), "No probe of a language model was part of this audit."),
    ("Explainability", ("explainability",), "No check of explanations was part of this audit."),
)
_NAMES = ("owner", "developers", "validated_by", "supplier")  # answers of the form that name people or firms
_OF_BOTH = ("train_test_gap",)  # measured on training rows too, so not a result on the test data set alone
_NO_PERFORMANCE = "No check of performance was part of this audit."
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:-]{0,95}")


@dataclass(frozen=True, slots=True)
class _Card:
    """What a card is made of: the report that is shown, and what may be told of the one it comes from."""

    source: Source
    data: Mapping[str, Any]
    name: str
    full: bool
    k: int


def model_card(
    report: Report | Source,
    *,
    name: str = "",
    license: str = "",  # noqa: A002 - the hub's word
    languages: Sequence[str] = (),
    tags: Sequence[str] = (),
    k: int = 10,
    full: bool = False,
) -> str:
    """Return a model card in Markdown, with the metadata that model hubs read in YAML before it.

    Parameters
    ----------
    report : Report or Source
        Of a model with its rows, or a language model.
    name : str
        What the model is called; as the report calls it when left out.
    license, languages, tags : str, sequence of str, sequence of str
        For the metadata: a licence's short name, codes of natural languages, words to find it by. Left out where not given.
    k : int, default 10
        Smallest count that a number may rest on: numbers are those of the public form of the report.
    full : bool, default False
        Show every number, the digests and the names of signers, for use inside.

    Raises
    ------
    InputError
        If the report is about something else than a model, a tag or licence is no short name, nothing can be published of so few rows, or the report
        is a public form that was made with a smaller `k`.

    References
    ----------
    Mitchell et al. (2019), Model Cards for Model Reporting.
    """
    source = Source.of(report)
    source.hold(("model", "language_model"), "a model card")
    for word in (*([license] if license else []), *languages, *tags):
        if not _TAG.fullmatch(word):
            raise InputError(
                f"expected a short name of letters, digits and . _ + : -, such as apache-2.0; got {word!r}"
            )
    made_with = (source.data["provenance"].get("public") or {}).get("k")
    if source.public and not full and not (isinstance(made_with, int) and made_with >= k):
        raise InputError(
            f"the report is a public form, whose numbers may rest on {made_with} records, and {k} are asked for: "
            f"give the full report.json, or --k {made_with}"
        )
    called = one_line(name) or source.name
    shown = (
        source.data
        if full or source.public
        else public_form(source.report, k=k, name=called).report.to_dict()
    )
    card = _Card(source, shown, called, full, int(shown["provenance"].get("public", {}).get("k", k)))
    front = _metadata(card, license, list(languages), list(tags))
    return as_markdown(_paper(card), front=_yaml(front))


def _task(card: _Card) -> tuple[str, str]:
    """Return the task as hubs call it, and in words."""
    if card.source.kind == "language_model":
        return "text-generation", "Replies in words"
    return _TASKS.get(str(card.data["subject"].get("task")), ("other", "not told"))


def _yaml(front: Mapping[str, Any]) -> str:
    import yaml

    # ASCII alone, on as few lines as may be: no value begins a line, and none ends the block
    return yaml.safe_dump(  # type: ignore[no-any-return]
        dict(front), sort_keys=False, allow_unicode=False, default_flow_style=False, width=2**30
    )


def _metadata(card: _Card, license_: str, languages: list[str], tags: list[str]) -> dict[str, Any]:
    task, title = _task(card)
    found = [one for one in _performance(card.data) if one["metric"] not in _OF_BOTH]
    front: dict[str, Any] = {"language": languages} if languages else {}
    front |= {"license": license_} if license_ else {}
    front |= {
        "tags": list(
            dict.fromkeys([*tags, *(["tabular"] if card.source.kind == "model" else []), "auditkit"])
        )
    }
    front |= {"pipeline_tag": task} if task != "other" else {}
    if not found or "test" not in card.data["subject"]:
        return front
    test = card.data["subject"]["test"]
    dataset = {"type": "tabular", "name": f"held-out rows of the audit ({count(test['rows'])})", "split": "test"}  # fmt: skip
    dataset |= {"revision": one_line(test["digest"])} if test.get("digest") else {}
    scores = [
        {
            "type": HUB_METRICS.get(m["metric"], one_line(m["metric"])),
            "value": m["value"],
            "name": f"{words(m['metric'])} {measured(m)}, n = {count(m.get('n'))}",
        }
        for m in found
    ]
    result = {"task": {"type": task, "name": title}, "dataset": dataset, "metrics": scores}
    front["metrics"] = list(dict.fromkeys(one["type"] for one in scores))
    front["model-index"] = [{"name": card.name, "results": [result]}]
    return front


def _performance(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what was measured of how good the model is, on all records, where it is a number; each metric once."""
    of = dimensions(data)
    found: dict[str, dict[str, Any]] = {}
    for one in data["evidence"]:
        for m in one["measurements"] if of.get(one["check"]) == "performance" else ():
            value = finite(m.get("value"))
            if m.get("group") is None and value is not None:
                found.setdefault(str(m["metric"]), {**m, "value": unsigned(value)})
    return list(found.values())


def _paper(card: _Card) -> Paper:
    data = card.data
    made = [
        Section("Model details", (_details(card),)),
        Section("Intended use", _intended(card)),
        Section("Data", (_sets(card),)),
        Section("Evaluation", _part(data, ("performance",), _NO_PERFORMANCE)),
    ]
    made += [
        Section(title, _part(data, wanted, none)) for title, wanted, none in _PARTS if _speaks(card, wanted)
    ]
    known = {"performance", *(one for _, wanted, _ in _PARTS for one in wanted)}
    if others := measurements(data, set(dimensions(data).values()) - known):
        made.append(Section("Mitigation, and other checks", others))
    made += [
        Section("What was judged", judged(data)),
        Section("Limits, and what was not examined", _limits(card)),
        Section("How to reproduce", _again(card)),
    ]
    notices = [
        "Made from the record of an audit. It says what was measured, on which rows and how surely; it does not say that the model is good, or fit for a use."
    ]
    if "public" in data["provenance"]:
        notices.append(
            f"Numbers that rest on fewer than {card.k} records are withheld, and others from which they would follow; other values are rounded, and their intervals widened."
        )
    else:
        notices.insert(
            0,
            "For use inside, not for publication: numbers about few people, digests, column names and names of persons are in it.",
        )
    return Paper(f"Model card: {card.name}", tuple(notices), tuple(made))


def _speaks(card: _Card, wanted: Sequence[str]) -> bool:
    """Whether a section is about this kind of model: probes in words are for language models alone."""
    return wanted != ("language_model",) or card.source.kind == "language_model"


def _part(data: Mapping[str, Any], wanted: Sequence[str], none: str) -> tuple[Block, ...]:
    return measurements(data, wanted) or (Words(none),)


def _details(card: _Card) -> Points:
    about, ran = card.data["subject"], card.data["provenance"]
    model = about.get("model") or {}
    said = [f"Name: {card.name}", f"Task: {_task(card)[1]}"]
    if card.full and model:
        said += [f"Kind: {one_line(model.get('kind'))}", f"SHA-256: {model.get('digest') or 'not told'}"]
    elif card.full:
        said += [f"{one_line(name)}: {one_line(value)}" for name, value in (about.get("facts") or {}).items()]
    said += [f"Audited with auditkit {one_line(ran.get('auditkit'))} on {card.source.day}"]
    return Points(tuple(said))


def _intended(card: _Card) -> tuple[Block, ...]:
    forms = card.source.forms("intended_use")
    if not forms:
        return (Words(NOT_WRITTEN),)
    if not stands(forms[-1]) and not card.full:
        return (
            Words(
                "Written, and not signed or rejected: its answers are not told here. See: auditkit form sign"
            ),
        )
    said = answers(forms[-1], without=() if card.full else _NAMES)
    if not said.rows:
        return (Words("Its answers are withheld."), Words(signers(forms[-1], names=card.full)))
    left = "" if card.full else " Who made it, answers for it and examined it stands in the form, not here."
    return (said, Words(signers(forms[-1], names=card.full) + left))


def _sets(card: _Card) -> Block:
    about = card.data["subject"]
    if "test" not in about:
        return Words("It was asked prompts; no rows were given to the audit.")
    rows = []
    for split, what in (("test", "judged on"), ("train", "trained on")):
        if held := about.get(split):
            columns = [one_line(name) for name in held["columns"]]
            told = ", ".join(columns) if card.full else f"{len(columns):,}"
            rows.append((split, what, count(held["rows"]), told, held.get("digest") or "withheld"))
        else:
            rows.append((split, what, "not told", "", ""))
    sensitive = ", ".join(map(one_line, about.get("sensitive_features") or ())) or "none"
    rows.append(("sensitive features", "groups are compared by", "", sensitive, ""))
    return Rows(("Part", "The model was", "Rows", "Inputs", "SHA-256"), tuple(rows), ("Rows",))


def _limits(card: _Card) -> tuple[Block, ...]:
    said = [
        "Every number is about the rows it was measured on. What an attack achieved is a lower bound of what others may."
    ]
    if "public" not in card.data["provenance"]:
        said += [
            f"{one['check']} does not say: {one_line(one['does_not_say'])}"
            for one in card.data["evidence"]
            if one.get("does_not_say")
        ]
    return (Points((*said, *gaps(card.data))),)


def _again(card: _Card) -> tuple[Block, ...]:
    ran = card.data["provenance"]
    policy = ran.get("policy") or {}
    versions = sorted(dict(ran.get("versions") or {}).items())
    said = (
        f"auditkit {one_line(ran.get('auditkit'))}, seed {one_line(ran.get('seed'))}",
        f"Checks: {', '.join(str(one['code']) for one in ran.get('plan', ()))}",
        f"Policy: {one_line(policy.get('name'))}, SHA-256 of its criteria {one_line(policy.get('digest')) or 'not told'}",
        f"Template: {template_words(ran)}",
        f"Libraries: {', '.join(f'{name} {version}' for name, version in versions if version) or 'not told'}",
        *([f"Report: SHA-256 {card.source.digest}"] if card.full else []),
    )
    return (Words("The same model, rows, options and seed give the same numbers:"), Points(said))
