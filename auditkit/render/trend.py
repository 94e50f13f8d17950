"""Trend: the page of a monitored log, from its record: verdict first, then alarms, charts with their limits, and what was not judged."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from auditkit.render._templating import fill
from auditkit.render._trend_chart import trend_chart, trend_figure
from auditkit.render.document import document
from auditkit.render.tables import table_html
from auditkit.render.text import count, number, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

__all__ = ["trend_figure", "trend_lines", "trend_page"]

HEADLINES = {
    "alarm": ("fail", "Alarm"),
    "undecided": ("undecided", "Undecided"),
    "in_control": ("pass", "In control"),
}
FAMILIES = {
    "inputs": "Inputs",
    "missing": "Missing values",
    "scores": "Scores",
    "decisions": "Decisions",
    "performance": "Performance",
    "calibration": "Calibration",
    "fairness": "Differences between groups",
    "volume": "Rows",
}
_WINDOWS = {
    "judged": "judged",
    "reference": "reference",
    "open": "open",
    "empty": "no rows",
    "two models": "two models",
}


def trend_page(record: Mapping[str, Any]) -> str:
    """Return the page, which needs nothing but itself.

    Parameters
    ----------
    record : mapping
        What ``trend.json`` holds.
    """
    edge, word = HEADLINES[record["verdict"]]
    families = [
        {
            "id": name,
            "title": title,
            "charts": [trend_chart(one, record) for one in record["charts"] if one["family"] == name],
        }
        for name, title in FAMILIES.items()
        if any(one["family"] == name for one in record["charts"])
    ]
    alarms = _episodes(record)
    body = fill(
        "trend.html.j2",
        name=one_line(record["name"]),
        edge=edge,
        word=word,
        headline=headline(record),
        counts=_counts(record),
        facts=_facts(record),
        alarms=[one for one in alarms if not one["accepted"]],
        accepted=[one for one in alarms if one["accepted"]],
        undecided=_undecided(record),
        remarks=_remarks(record),
        releases=_releases(record),
        told=_told(record),
        families=families,
        windows=_windows(record),
        methods=_methods(record),
    )
    nav: list[tuple[str, str]] = [
        ("verdict", "Verdict"),
        ("alarms", "Alarms"),
        *((str(one["id"]), str(one["title"])) for one in families),
    ]
    nav += [("models", "Models in use"), ("windows", "Windows"), ("methods", "Methods")]
    return document(body, title=f"Monitoring: {one_line(record['name'])}", nav=nav)


def headline(record: Mapping[str, Any]) -> str:
    """Return the verdict in a sentence."""
    open_ones = [one for one in record["alarms"] if not one["accepted"]]
    charts = len({one["chart"] for one in open_ones})
    judged = sum(one["state"] == "judged" for one in record["windows"])
    if record["verdict"] == "alarm":
        windows = len({one["window"] for one in open_ones})
        said = f"{count(charts)} of {count(len(record['charts']))} charts lay beyond their limits, in {count(windows)} of {count(judged)} windows, and nobody answered for it yet"
    elif record["verdict"] == "undecided":
        names = {one["chart"] for one in record["undecided"]}
        charts = len(names - {""})
        said = "nothing lies beyond a limit that nobody answered for, and "
        if "" in names:
            said += f"the log is not what it should be: {next(one['reason'] for one in record['undecided'] if not one['chart'])}"
        else:
            said += f"{count(charts)} of {count(len(record['charts']))} charts could not be judged of late"
    else:
        said = f"no chart of {count(len(record['charts']))} lies beyond its limits in {count(judged)} windows, but where somebody answered for it"
        if not record["alarms"]:
            said = f"no chart of {count(len(record['charts']))} lies beyond its limits in {count(judged)} windows"
    return f"{said}."


def trend_lines(record: Mapping[str, Any]) -> list[str]:
    """Return the verdict and what it rests on in a few lines, for a terminal."""
    lines = [f"{HEADLINES[record['verdict']][1]}: {headline(record)}"]
    lines += [
        f"  {'⚑' if one['accepted'] else '✕'} {one['title']}: {one['when']}. {one['says']}"
        for one in _episodes(record)[:20]
    ]
    lines += [f"  ? {one}" for one in _undecided(record)[:20]]
    lines += [f"  {one}" for one in (*_remarks(record), *_told(record))]
    return [f"{' ' * (len(one) - len(one.lstrip(' ')))}{one_line(one)}" for one in lines]


def _episodes(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the alarms of each chart together, the newest speaking for them; those that were answered for apart."""
    found = []
    order = {one["id"]: i for i, one in enumerate(record["charts"])}
    key = lambda one: (order.get(one["chart"], 0), bool(one["accepted"]))  # noqa: E731
    for (_, accepted), group in groupby(sorted(record["alarms"], key=key), key):
        every = list(group)
        newest, oldest = every[0], every[-1]
        n = len(every)
        when = (
            f"in {newest['window']}"
            if n == 1
            else f"{count(n)} windows from {oldest['window']} to {newest['window']}"
        )
        how = {"sudden": "by a window alone", "slow": "by the recent windows together"}
        ways = [how[one] for one in how if any(one in alarm["how"] for alarm in every)]
        by = newest["accepted"]
        found.append(
            {"title": newest["title"], "when": f"{when}, {' and '.join(ways)}", "says": newest["says"].removeprefix(f"{newest['title']}. "),
             "does_not_say": newest["does_not_say"], "accepted": f"{by['by']} answers for it, up to {by['until']}: {by['why']}" if accepted else ""}
        )  # fmt: skip
    return found


def _undecided(record: Mapping[str, Any]) -> list[str]:
    titles = {one["id"]: one["title"] for one in record["charts"]}
    said: dict[str, list[str]] = {}
    for one in record["undecided"]:
        reason = one["reason"] + (f" (in {one['window']})" if one["window"] else "")
        said.setdefault(reason, []).append(titles.get(one["chart"], ""))
    return [
        f"{', '.join(filter(None, names))}: {reason}" if any(names) else reason
        for reason, names in said.items()
    ]


def _counts(record: Mapping[str, Any]) -> list[tuple[str, str, str, int]]:
    alarmed = {one["chart"] for one in record["alarms"] if not one["accepted"]}
    open_ones = {one["chart"] for one in record["undecided"] if one["chart"]} - alarmed
    n = len(record["charts"])
    rows = [("fail", "✕", "with an alarm", len(alarmed)), ("inconclusive", "?", "not judged of late", len(open_ones)),
            ("pass", "✓", "in control", n - len(alarmed) - len(open_ones))]  # fmt: skip
    return [one for one in rows if one[-1]]


def _facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    log, plan, limits, reference = (record[key] for key in ("log", "plan", "limits", "reference"))
    windows = record["windows"]
    judged = sum(one["state"] == "judged" for one in windows)
    made = (
        f"the first {count(reference['first'])} windows"
        if reference["first"]
        else one_line(reference["file"])
    )
    size = f"a {plan['every']}" if plan["every"] else f"{count(plan['rows'])} rows"
    return [
        ("Log", f"{count(log['rows'])} rows of {count(len(log['files']))} {'file' if len(log['files']) == 1 else 'files'}; the newest of {one_line(log['newest']) or 'a time that is not known'}"),
        ("Windows", f"{size} each ({one_line(plan['zone'])}); {count(judged)} of {count(len(windows))} judged"),
        ("Reference", f"{made}, {count(reference['rows'][0] if reference['rows'] else 0)} rows"),
        ("False alarms", f"at most {number(limits['rate_per_window'])} a window (one in {count(round(1 / limits['rate_per_window']))}), on average, over {count(limits['tests'])} tests of {number(limits['rate_per_test'])} each"),
        ("Plan", one_line(plan["file"])),
        ("Made", f"{one_line(record['made'])}, auditkit {one_line(record['auditkit'])}"),
    ]  # fmt: skip


def _remarks(record: Mapping[str, Any]) -> list[str]:
    log = record["log"]
    said = [f"{count(n)} rows were not used: {reason}." for reason, n in log["not_used"].items()]
    said += [one_line(one) for one in log["remarks"]]
    for left in record["reference"]["left_out"]:
        said += [f"{one_line(name)} is not watched: {why}." for name, why in left.items()]
    return list(dict.fromkeys(said))


def _releases(record: Mapping[str, Any]) -> Markup | str:
    releases = record["releases"]
    if not releases:
        return ""
    columns = {
        "model": [one["name"] for one in releases],
        "in use from": [one["since"] for one in releases],
        "digest of the model": [one["digest"][:16] or "not known" for one in releases],
        "its gate": [one["verdict"].replace("_", " ") or "no result" for one in releases],
        "approved": ["; ".join(one["approved"]) or "by nobody" for one in releases],
        "what is missing": ["; ".join(one["problems"]) for one in releases],
        "charts begin anew": ["yes" if one["restarts"] else "no" for one in releases],
    }
    return table_html({"title": "Models in use", "columns": columns})


def _told(record: Mapping[str, Any]) -> list[str]:
    """Return of which windows the model has no gate that passed, or nobody's approval."""
    said: dict[tuple[str, str], list[str]] = {}
    for one in record["windows"]:
        for problem in one["problems"] if one["rows"] else ():
            said.setdefault((str(one["release"]), problem), []).append(one["window"])
    lines = [
        f"{name}: {problem}; it answered in {count(len(names))} windows, {names[0]} to {names[-1]}."
        for (name, problem), names in said.items()
    ]
    if record["releases"] and (
        before := [one["window"] for one in record["windows"] if one["release"] is None and one["start"]]
    ):
        lines.append(f"Which model answered in {before[0]} to {before[-1]} the plan does not say.")
    return lines


def _windows(record: Mapping[str, Any]) -> Markup:
    rows = record["windows"]
    columns = {
        "window": [one["window"] for one in rows],
        "stands": [_WINDOWS.get(one["state"], one["state"]) for one in rows],
        "rows": [one["rows"] for one in rows],
        "with a label": [one["labelled"] for one in rows],
        "too late": [one["late"] for one in rows],
        "model": [one["release"] or "" for one in rows],
    }
    return table_html({"title": "Windows", "columns": columns}, most=1000)


def _methods(record: Mapping[str, Any]) -> list[str]:
    limits, plan = record["limits"], record["plan"]
    under = limits["rate_under_nine_of_ten_references"]
    said = [
        (f"A window is judged once {plan['late']} have passed after its end, and by its labels once {plan['label_delay']} have. Below {count(plan['min_rows'])} rows, or {count(plan['min_group'])} "
        "of a group, nothing is judged, and how many are needed is said."),
        ("Every limit is that of a test of two samples: the reference is a sample too, and its doubt is in the limits. Rates are tested exactly (Fisher), differences between groups exactly over all pairs, "
        "means and areas with the skewness of both samples (Pearson type III), cells by chi-square with Haldane's moments. The error rate is shared by all tests of a window (Bonferroni), so a point beyond its limits is an alarm."),
        (f"The dashed line is a mean of the recent windows, each counting {number(1 - limits['smoothing'])} as much as the one after it (Roberts 1959): a change too small for one window adds up in it. Its doubt is that of the weights; "
        "that of the reference does not average out."),
        f"The rate of {number(limits['rate_per_window'])} a window is that on average over references. Under nine of ten references of this size it is at most {number(under)}, were all charts of means."
        if under is not None else "",
        "This takes rows to be independent of each other, and windows too. Rows of one person or branch that resemble each other need limits.design_effect; what comes and goes with the season brings alarms that are true and no fault.",
        f"A row is taken to be worth {number(1 / limits['design_effect'])} of an independent one." if limits["design_effect"] != 1 else "",
        "In control means that no change beyond chance was seen, of a size these rows could show. It is no statement that the model is right or safe.",
    ]  # fmt: skip
    return [one for one in said if one]
