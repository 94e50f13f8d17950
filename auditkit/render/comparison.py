"""Comparison: two audits held against each other, as a page, in Markdown, and in a few lines; from its dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.render._templating import fill
from auditkit.render.document import document
from auditkit.render.escaping import markdown_escape
from auditkit.render.status import STATUSES, VERDICTS
from auditkit.render.tables import table_html
from auditkit.render.text import (
    count,
    criterion_text,
    ends,
    measured,
    number,
    number_of,
    of_group,
    one_line,
    p_value,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["comparison_lines", "comparison_markdown", "comparison_page"]

FATES = {
    "new": "Newly not met",
    "persisting": "Still not met",
    "opened": "Was met, undecided now",
    "fixed": "Met again",
    "unsettled": "Was not met, undecided now",
    "lost": "Was not met, no longer measured",
}
_WORDS = {
    "fail": "Worse beyond noise",
    "undecided": "Undecided",
    "pass": "No worsening beyond noise",
    "not_judged": VERDICTS["not_judged"],
}
_MOVED = {"fail": "worse beyond noise", "inconclusive": "undecided", "pass": "no worsening beyond noise"}
_GONE = "No report now, and not compared"
_COME = "No report before, and nothing to hold it against"
_OPENED = "Was met, undecided now: the whole audit"
_MOST = 40  # lines of one kind in Markdown


def comparison_page(data: Mapping[str, Any]) -> str:
    """Return a self-contained page.

    Parameters
    ----------
    data : mapping
        What ``Comparison.to_dict()`` returned.
    """
    pairs = list(map(_pair, data["pairs"]))
    names = dict.fromkeys(one_line(pair["subject"]) for pair in data["pairs"])
    name = ", ".join(names) if len(names) <= 3 else f"{len(names)} subjects"
    name = name or "no report on both sides"
    body = fill(
        "comparison.html.j2",
        name=name,
        verdict=data["verdict"],
        word=_WORDS[data["verdict"]],
        headline=_headline(data["counts"]),
        absent=[(_GONE, list(map(one_line, data["gone"]))), (_COME, list(map(one_line, data["come"])))],
        remarks=list(map(one_line, data.get("remarks", ()))),
        note=_note(data),
        pairs_=pairs,
    )
    nav = [("verdict", "Verdict"), *((f"pair-{i}", pair["title"]) for i, pair in enumerate(pairs, 1))]
    return document(body, title=f"Comparison: {name}", nav=nav[:30])


def comparison_markdown(data: Mapping[str, Any]) -> str:
    """Return the comparison as Markdown, for a pull request; every name in it is escaped."""
    say = markdown_escape
    lines = [f"## {say(_WORDS[data['verdict']])}", "", say(_headline(data["counts"]) + "."), ""]
    for title, names in (
        (_GONE, data["gone"]),
        (_COME, data["come"]),
    ):
        lines += [f"- {say(title)}: {say(one)}" for one in _at_most(list(names))]
    lines += [f"- {say(remark)}" for remark in data.get("remarks", ())]
    for pair in data["pairs"]:
        lines += ["", f"### {say(_title(pair))}", "", f"**{say(_WORDS[pair['verdict']])}**", ""]
        said = [_OPENED] if pair["opened"] else []
        said += [_move_line(m) for m in _concerning(pair)] + [
            f"{one['check']}: {one['reason']}" for one in pair["silent"]
        ]
        lines += [f"- {say(one)}" for one in _at_most(said)]
        for fate, word in FATES.items():
            told = [_turn_line(t) for t in pair["findings"] if t["fate"] == fate]
            lines += [f"- {say(word)}: {say(one)}" for one in _at_most(told)]
        lines += ["", "In what they differ:", "", *(f"- {say(remark)}" for remark in pair["remarks"])]
    return "\n".join([*lines, "", say(_note(data)), ""])


def comparison_lines(data: Mapping[str, Any]) -> list[str]:
    """Return the comparison in a few lines, for a terminal."""
    lines = [f"{_WORDS[data['verdict']]}: {_headline(data['counts'])}"]
    lines += [f"  ? {_GONE.lower()}: {one}" for one in _at_most(list(data["gone"]))]
    lines += [f"  · {_COME.lower()}: {one}" for one in _at_most(list(data["come"]))]
    lines += [f"  {remark}" for remark in data.get("remarks", ())]
    for pair in data["pairs"]:
        many = len(data["pairs"]) > 1
        lines += [f"{_title(pair)}: {_WORDS[pair['verdict']].lower()}"] if many else []
        lines += [f"  {STATUSES['inconclusive'][0]} {_OPENED.lower()}"] if pair["opened"] else []
        lines += [f"  {_move_line(m)}" for m in _concerning(pair)]
        lines += [f"  {STATUSES[one['status']][0]} {one['check']}: {one['reason']}" for one in pair["silent"]]
        for fate, word in FATES.items():
            told = [_turn_line(t) for t in pair["findings"] if t["fate"] == fate]
            lines += [f"  · {word.lower()}: {one}" for one in _at_most(told)]
        lines += [f"  {remark}" for remark in pair["remarks"]]
    return [*map(one_line_kept, lines), _note(data)]


def one_line_kept(line: str) -> str:
    """Return one line with the blanks it begins with."""
    return " " * (len(line) - len(line.lstrip(" "))) + one_line(line)


def _headline(counts: Mapping[str, int]) -> str:
    worse, open_ones = counts["worse"], counts["undecided"]
    changed = f"{worse:,} {'change' if worse == 1 else 'changes'} for the worse beyond noise"
    said = [changed] + ([f"{open_ones:,} undecided or not compared"] if open_ones else [])
    said += [f"{counts[fate]:,} {word.lower()}" for fate, word in FATES.items() if counts[fate]]
    return "; ".join(said)


def _note(data: Mapping[str, Any]) -> str:
    let_pass = f" A worsening of up to {number(data['tolerance'])} is let pass." if data["tolerance"] else ""
    return (
        "This judges what changed, not whether the limits are met: a finding that persists does not fail it. A change counts only beyond noise, after "
        f"Benjamini-Hochberg over all changes that a criterion speaks of (false discovery rate {number(data['alpha'])}).{let_pass} No change seen is no proof "
        "that nothing changed."
    )


def _title(pair: Mapping[str, Any]) -> str:
    audit = one_line(pair["audit"])
    return (
        f"{one_line(pair['subject'])}: {audit}"
        if len(audit) <= 60
        else f"{one_line(pair['subject'])}: {audit[:57]}..."
    )


def _pair(pair: Mapping[str, Any]) -> dict[str, Any]:
    counts = {
        "worse": sum(m["status"] == "fail" for m in pair["changes"]),
        "undecided": sum(m["status"] == "inconclusive" for m in pair["changes"])
        + len(pair["silent"])
        + pair["opened"],
        **{fate: sum(t["fate"] == fate for t in pair["findings"]) for fate in FATES},
    }
    return {
        "title": _title(pair),
        "verdict": pair["verdict"],
        "word": _WORDS[pair["verdict"]],
        "headline": _headline(counts),
        "opened": f"{_OPENED}." if pair["opened"] else "",
        "base": _facts(pair["base"]),
        "new": _facts(pair["new"]),
        "remarks": list(map(one_line, pair["remarks"])),
        "silent": [
            {key: one_line(one[key]) for key in ("check", "status", "reason")} for one in pair["silent"]
        ],
        "tables": list(_tables(pair)),
    }


def _facts(side: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = [
        ("Record", one_line(side["path"])),
        ("Audited on", one_line(side["started"])),
        ("auditkit", one_line(side["auditkit"])),
        ("Schema", one_line(side["schema"])),
        ("Test rows", "" if side["rows"] is None else count(side["rows"])),
        ("Test data", one_line(side["test_digest"])[:16]),
        ("Model", one_line(side["model_digest"])[:16]),
        ("Seed", one_line(side["seed"])),
        ("Policy", one_line(side["policy"])),
        ("Verdict of that audit", VERDICTS.get(str(side["verdict"]), "")),
    ]
    return [(name, value) for name, value in pairs if value]


def _tables(pair: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Yield the tables of a pair in the order of concern."""
    for fate, word in FATES.items():
        turns = [t for t in pair["findings"] if t["fate"] == fate]
        if turns:
            yield {"title": word, "note": "", "folded": len(turns) > 25, "table": _turn_table(turns)}
    judged = sorted(
        (m for m in pair["changes"] if m["status"]), key=lambda m: list(_MOVED).index(m["status"])
    )
    if judged:
        note = "Each limit with its measurement before and now."
        yield {
            "title": "Changes that a criterion speaks of",
            "note": note,
            "folded": False,
            "table": _move_table(judged),
        }
    others = [m for m in pair["changes"] if not m["status"]]
    moved = [m for m in others if m["p_adjusted"] is not None and m["p_adjusted"] <= 0.05]
    if moved:
        note = "Beyond noise, after Benjamini-Hochberg over all of these; no criterion says whether that is for the worse."
        yield {
            "title": "Other changes beyond noise",
            "note": note,
            "folded": len(moved) > 25,
            "table": _move_table(moved),
        }
    if others:
        yield {"title": "All other measurements", "note": "", "folded": True, "table": _move_table(others)}


def _turn_table(turns: Sequence[Mapping[str, Any]]) -> Any:
    about = [t["after"] or t["before"] for t in turns]
    columns = {
        "finding": [_of(one) for one in about],
        "asked": [criterion_text(one["criterion"]) for one in about],
        "before [interval]": [measured((t["before"] or {}).get("measurement")) for t in turns],
        "now [interval]": [measured((t["after"] or {}).get("measurement")) for t in turns],
        "check": [one_line(one["check"]) for one in about],
        "fingerprint": [t["fingerprint"] for t in turns],
    }
    return table_html({"title": "", "columns": columns})


def _move_table(moves: Sequence[Mapping[str, Any]]) -> Any:
    columns: dict[str, list[Any]] = {
        "metric": [of_group(m["metric"], m["group"]) for m in moves],
        "before [interval]": [measured(m["before"]) for m in moves],
        "now [interval]": [measured(m["after"]) for m in moves],
        "change [interval]": [_change(m) for m in moves],
        "p, adjusted": [
            "" if m["p_adjusted"] is None else p_value(m["p_adjusted"]).removeprefix("= ") for m in moves
        ],
        "asked": [criterion_text(m["criterion"]) if m["criterion"] else "" for m in moves],
        "says": [_says(m) for m in moves],
        "interval's method": [one_line(m["method"]) for m in moves],
        "check": [one_line(m["check"]) for m in moves],
    }
    return table_html({"title": "", "columns": columns})


def _says(move: Mapping[str, Any]) -> str:
    word = _MOVED.get(str(move["status"]), "")
    reason = one_line(move["reason"])
    return reason if not word or reason.startswith(word) else f"{word}: {reason}"


def _change(move: Mapping[str, Any]) -> str:
    if move["value"] is None:
        return "cannot be told"
    around = move["change"]
    return number_of(move["metric"], move["value"]) + (
        f" {ends(around['low'], around['high'])}" if around else ""
    )


def _concerning(pair: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    order = ("fail", "inconclusive")
    return [m for status in order for m in pair["changes"] if m["status"] == status]


def _move_line(move: Mapping[str, Any]) -> str:
    icon = STATUSES[move["status"]][0]
    was, now = (measured(move[side]) for side in ("before", "after"))
    return (
        f"{icon} {of_group(move['metric'], move['group'])}: {was} → {now}, change {_change(move)}, asked "
        f"{criterion_text(move['criterion'])}: {move['reason']} ({move['check']})"
    )


def _turn_line(turn: Mapping[str, Any]) -> str:
    about = turn["after"] or turn["before"]
    why = ""
    if turn["fate"] == "opened":
        why = f": {one_line(turn['after']['reason'])}" if turn["after"] else ": not measured now"
    return f"{_of(about)}, asked {criterion_text(about['criterion'])} ({about['check']}, {turn['fingerprint']}){why}"


def _of(finding: Mapping[str, Any]) -> str:
    m = finding["measurement"] or finding["criterion"]
    return of_group(m["metric"], m.get("group"))


def _at_most(lines: list[str]) -> list[str]:
    left = len(lines) - _MOST
    return lines if left <= 0 else [*lines[:_MOST], f"and {left:,} more"]
