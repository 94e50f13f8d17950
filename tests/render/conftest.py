"""A report with every status and every kind of table, with harmless or hostile words."""

from __future__ import annotations

import copy
from html.parser import HTMLParser
from typing import Any, ClassVar

import pytest

HOSTILE = [
    "<script>window.__pwned=1</script>",
    "<img src=x onerror=window.__pwned=2>",
    '"><svg onload=window.__pwned=3>',
    "</script><script>window.__pwned=4</script>",
    "]]><!--<script>window.__pwned=5//-->",
    "javascript:window.__pwned=6",
    "[x](javascript:window.__pwned=7) ![y](https://evil.example/p.png) **b** `c`",
    "%{x} %{customdata[0]} {{7*7}} {% raw %}",
    "a\u202eb\u2066c\u200bd\x00e\x1b[31mf",
    "<a href='https://evil.example/'>a</a><b>bold</b>&lt;i&gt;",
    "' onmouseover='window.__pwned=8",
    "$\\href{javascript:window.__pwned=9}{x}$",
    "</style><style>@import 'https://evil.example/x.css'",
    "</title></textarea><iframe src=https://evil.example/></iframe>",
]


def interval(low: Any, high: Any) -> dict[str, Any]:
    return {"low": low, "high": high, "level": 0.95, "method": "newcombe"}


def measurement(metric: str, value: Any, n: int, low: Any, high: Any, **own: Any) -> dict[str, Any]:
    empty = {"group": None, "bound": None, "p_value": None, "reason": None, "n_needed": None}
    span = None if low is None else interval(low, high)
    return {"metric": metric, "value": value, "n": n, "interval": span, **empty, **own}


def table(kind: str, columns: dict[str, list[Any]], **own: Any) -> dict[str, Any]:
    return {
        "title": f"A table of {kind}",
        "columns": columns,
        "kind": kind,
        "labels": {},
        "summary": "",
        "reference": None,
    } | own


def tables() -> dict[str, dict[str, Any]]:
    groups = ["sex=Female", "sex=Male", "race=Amer-Indian-Eskimo", "race=Black", "race=White", "race=Other"]
    fpr = [0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0]
    tpr = [0.0, 0.004, 0.009, 0.02, 0.041, 0.07, 0.14, 0.22, 0.36, 0.58, 0.82, 1.0]
    epsilon = [0.0, 0.05, 0.1, 0.2, 0.3, 0.5]
    return {
        "rates": table(
            "estimates",
            {
                "label": groups,
                "value": [0.113, 0.304, 0.121, None, 0.254, 0.14],
                "low": [0.104, 0.294, 0.07, None, 0.246, 0.0],
                "high": [0.122, 0.314, 0.19, None, 0.262, "Infinity"],
                "n": [5421, 10860, 159, 0, 13946, 135],
            },
            title="How often does the model say yes, by group?",
            labels={"value": "selection rate", "n": "records"},
            summary="Men are selected 2.7 times as often as women.",
            reference=0.24,
        ),
        "by_metric": table(
            "estimates",
            {
                "label": ["Female", "Male"] * 2,
                "value": [0.52, 0.61, 0.03, 0.09],
                "low": [0.49, 0.59, 0.025, 0.082],
                "high": [0.55, 0.63, 0.036, 0.098],
                "n": [590, 3256, 4831, 7604],
                "series": ["true-positive rate"] * 2 + ["false-positive rate"] * 2,
            },
            title="Errors by sex",
        ),
        "robust": table(
            "curve",
            {
                "x": epsilon * 2,
                "value": [0.87, 0.84, 0.80, 0.66, 0.51, 0.33, 0.85, 0.81, 0.70, None, 0.40, 0.2],
                "low": [0.86, 0.82, 0.78, 0.63, 0.47, 0.29, 0.82, 0.78, 0.66, None, 0.36, 0.16],
                "high": [0.88, 0.86, 0.82, 0.69, 0.55, 0.37, 0.88, 0.84, 0.74, None, 0.44, 0.24],
                "n": [500] * 12,
                "series": ["Male"] * 6 + ["Female"] * 6,
            },
            title="Accuracy under attack",
            labels={"x": "attack radius (standard deviations)", "value": "accuracy"},
            summary="Half of the records flip within 0.3 standard deviations.",
        ),
        "roc": table("roc", {"fpr": fpr, "tpr": tpr, "low": [t * 0.8 for t in tpr], "high": [min(1, t * 1.2) for t in tpr]}, title="Membership attack"),
        "confusion": table(
            "matrix",
            {"row": ["no", "no", "yes", "yes"], "column": ["no", "yes", "no", "yes"], "value": [0.93, 0.07, 0.39, 0.61], "n": [11500, 935, 1500, 2346]},
            title="What it said and what was so",
            labels={"row": "true class", "column": "predicted class", "value": "share of the row"},
        ),
        "bracket": table(
            "bracket",
            {
                "x": [0.0, 0.1, 0.2, 0.3, 0.4],
                "certified": [0.85, 0.7, 0.52, None, 0.1],
                "attacked": [0.85, 0.78, 0.66, 0.5, 0.31],
                "low": [0.81, 0.65, 0.47, None, 0.07],
                "high": [0.88, 0.82, 0.71, 0.55, 0.36],
                "n": [500] * 5,
            },
            title="Accuracy if every record may be changed",
            labels={"x": "radius (standardised)", "value": "accuracy", "reference": "judged"},
            summary="At 0.2 between 52% and 66% are right whatever the change.",
            reference=0.2,
        ),
        "digits": table(
            "images",
            {
                "panel": ["1: a five"] * 4 + ["1: called a three"] * 4 + ["1: the change"] * 4,
                "row": [0, 0, 1, 1] * 3,
                "column": [0, 1, 0, 1] * 3,
                "value": [0, 16, 8, 4, 1, 15, 8, 4, 1, -1, 0, 0],
            },
            title="Digits before and after",
        ),
        "swarm": table(
            "beeswarm",
            {
                "label": ["age"] * 5 + ["job"] * 3,
                "value": [-0.4, -0.1, -0.1, 0.2, 0.5, -0.2, 0.1, None],
                "strength": [0.0, 0.25, 0.5, 0.75, 1.0, None, None, None],
            },
            title="In which direction the inputs push",
            labels={"value": "SHAP value (log odds)"},
            summary="Higher ages raise the output.",
        ),
        "steps": table(
            "waterfall",
            {
                "label": ["base", "age = 61", "job = clerk", "this record"],
                "value": [0.2, 0.5, -0.3, 0.4],
                "role": ["base", "part", "part", "output"],
            },
            title="One record",
            labels={"value": "probability"},
        ),
        "slices": table("plain", {"slice": ["age < 25", "hours > 60"], "records": [1204, 88], "error": [0.031, 0.27]}, title="Worst slices"),
    }  # fmt: skip


def finding(check: str, status: str, severity: str | None, m: Any = None, **own: Any) -> dict[str, Any]:
    return {
        "check": check,
        "status": status,
        "severity": severity,
        "measurement": m,
        "criterion": None,
        "reason": "",
        "p_adjusted": None,
    } | own


def criterion(metric: str, **own: Any) -> dict[str, Any]:
    return {
        "metric": metric,
        "at_most": None,
        "at_least": None,
        "severity": "high",
        "group": None,
        "why": "internal lending policy 4.2",
    } | own


def evidence(check: str, **own: Any) -> dict[str, Any]:
    return {
        "check": check, "measurements": [], "tables": {}, "params": {"level": 0.95, "most_groups": 30}, "says": "What was found.",
        "does_not_say": "It does not say why.", "notes": ["14 rows without a label were dropped."],
        "rows": {"used": 500, "of": 16281, "how": "random, without replacement"},
        "cost": {"model_calls": 2, "model_rows": 32562, "refits": 0}, "seed": "0/1", "outcome": "observed", "reason": "",
    } | own  # fmt: skip


def build_report() -> dict[str, Any]:
    """Return a report as ``Report.to_dict()`` gives it: all statuses, all kinds of tables."""
    every = tables()
    gap = measurement("demographic_parity_difference", 0.182, 16281, 0.165, 0.199, group="sex", p_value=1e-9)
    small = measurement(
        "equal_opportunity_difference", 0.09, 84, -0.11, 0.27, group="race", n_needed=900, p_value=0.3
    )
    tpr = measurement("tpr_at_fpr_0.01", 0.041, 2000, 0.03, 0.055, bound="lower")
    nothing = measurement("selection_rate_ratio", None, 40, None, None, reason="no positives in one group")
    findings = [
        finding("AK101", "pass", "low", measurement("accuracy", 0.872, 16281, 0.867, 0.877), criterion=criterion("accuracy", at_least=0.8, severity="low")),
        finding("AK101", "fail", "high", gap, criterion=criterion("demographic_parity_difference", at_most=0.1), p_adjusted=2e-9),
        finding("AK101", "inconclusive", "high", small, criterion=criterion("equal_opportunity_difference", at_most=0.1), p_adjusted=0.31,
                reason="The interval holds the limit."),
        finding("AK201", "pass", "medium", tpr, criterion=criterion("tpr_at_fpr_0.01", at_most=0.1, severity="medium")),
        finding("AK102", "inconclusive", None, nothing),
        finding("AK202", "not_applicable", None, reason="no training data: pass Subject(..., train=...)"),
        finding("AK301", "error", None, reason="ValueError: the model returned 3 columns for 2 classes"),
        finding("AK302", "waived", "medium", measurement("robust_accuracy", 0.51, 500, 0.47, 0.55),
                criterion=criterion("robust_accuracy", at_least=0.6, severity="medium"), reason="accepted by the model board until 2027-03-01"),
    ]  # fmt: skip
    everything = [
        evidence(
            "AK101",
            tables={k: every[k] for k in ("rates", "by_metric", "confusion")},
            measurements=[gap, small],
        ),
        evidence("AK102", measurements=[nothing], outcome="observed", tables={"slices": every["slices"]}),
        evidence("AK201", tables={"roc": every["roc"]}, measurements=[tpr], notes=[]),
        evidence(
            "AK202",
            outcome="not_applicable",
            reason="no training data: pass Subject(..., train=...)",
            says="",
            does_not_say="",
            rows={},
        ),
        evidence("AK301", outcome="error", reason="ValueError: 3 columns for 2 classes", says="", rows={}),
        evidence("AK302", tables={k: every[k] for k in ("robust", "swarm", "steps")}),
    ]
    plan = [
        {
            "code": code,
            "name": name,
            "title": title,
            "question": question,
            "dimension": dimension,
            "page": f"docs/checks/{code.lower()}.md",
        }
        for code, name, title, question, dimension in [
            (
                "AK101",
                "group_gaps",
                "Differences between groups",
                "Who does this model refuse more often?",
                "bias",
            ),
            ("AK102", "slices", "Worst slices", "Where is it wrong most?", "bias"),
            (
                "AK201",
                "threshold_attack",
                "Population threshold attack",
                "Can an outsider tell who was in the training data?",
                "membership",
            ),
            ("AK202", "rmia", "Robust membership inference", "And with reference models?", "membership"),
            ("AK301", "noise", "Noise sweep", "What does noise do?", "robustness"),
            (
                "AK302",
                "decision_attack",
                "Decision-based attack",
                "How little must change to flip a decision?",
                "robustness",
            ),
        ]
    ]
    counts = {
        status: sum(f["status"] == status for f in findings)
        for status in ("pass", "fail", "inconclusive", "not_applicable", "error", "waived")
    }
    data = {"rows": 16281, "columns": ["age", "sex", "race"], "digest": "sha256:5f3a" + "0" * 56}
    return {
        "schema": "auditkit.report/1.0", "verdict": "fail", "counts": counts,
        "subject": {
            "name": "credit", "task": "binary", "positive": ">50K", "classes": ["<=50K", ">50K"],
            "model": {"kind": "LGBMClassifier", "digest": "sha256:77aa" + "1" * 56, "trust": "live object", "description": "gradient boosting, 200 trees"},
            "test": data, "train": data | {"rows": 32561}, "sensitive_features": ["sex", "race", "age_band"],
        },
        "findings": findings, "evidence": everything,
        "provenance": {
            "auditkit": "0.1.0", "seed": 0, "engine": "serial", "started": "2026-11-23T10:00:00+00:00", "seconds": 12.34,
            "timings": {"AK101": 1.2, "AK201": 8.75}, "versions": {"numpy": "2.3.4", "scikit-learn": "1.9.0"},
            "host": {"system": "Linux", "cpus": 2}, "policy": {"name": "default", "description": "starting points, not law", "digest": "sha256:99" + "2" * 60},
            "plan": plan,
            "not_examined": [
                {"what": "Robust membership inference", "why": "no training data: pass Subject(..., train=...)"},
                {"what": "Data drift", "why": "No check of this audit asks about it."},
            ],
        },
    }  # fmt: skip


class Poison:
    """Puts hostile words in every place that holds free text, each in turn."""

    KEPT: ClassVar = {
        "status",
        "kind",
        "severity",
        "verdict",
        "outcome",
        "bound",
        "schema",
        "code",
        "check",
        "level",
        "low",
        "high",
    }

    def __init__(self) -> None:
        self.at = 0

    def word(self, text: str) -> str:
        self.at += 1
        return f"{HOSTILE[self.at % len(HOSTILE)]} {text}"

    def of(self, value: Any, key: str = "") -> Any:
        if isinstance(value, str):
            return value if key in self.KEPT or value == "Infinity" else self.word(value)
        if isinstance(value, dict):
            hostile_keys = key in ("params", "versions", "host", "cost", "timings")
            return {(self.word(k) if hostile_keys else k): self.of(v, k) for k, v in value.items()}
        return [self.of(v, key) for v in value] if isinstance(value, list) else value


class Elements(HTMLParser):
    """Reads HTML into its elements and the text of its scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[tuple[str, str]] = []
        self.text: list[str] = []
        self._raw = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        self._raw = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self._raw = ""

    def handle_data(self, data: str) -> None:
        if self._raw == "script":
            self.scripts.append((self.found[-1][1].get("type", ""), data))
        elif not self._raw:
            self.text.append(data)


TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "a",
    "nav",
    "ul",
    "ol",
    "li",
    "main",
    "p",
    "section",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "div",
    "span",
    "b",
    "i",
    "em",
    "strong",
    "dl",
    "dt",
    "dd",
    "details",
    "summary",
    "figure",
    "figcaption",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "pre",
    "code",
    "script",
    "noscript",
    "template",
    "img",
    "br",
    "hr",
    "blockquote",
    "s",
    "del",
    "sub",
    "sup",
}
ATTRIBUTES = {
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "class",
    "id",
    "href",
    "rel",
    "aria-label",
    "aria-hidden",
    "role",
    "tabindex",
    "scope",
    "open",
    "type",
    "colspan",
    "rowspan",
    "data-height",
    "src",
    "alt",
    "start",
}
INERT = {"application/vnd.plotly.v1+json", "application/gzip+base85"}


def dead(html: str) -> Elements:
    """Assert that nothing in the HTML is live but what we put there; return its elements."""
    page = Elements(html)
    for tag, attributes in page.found:
        assert tag in TAGS, (tag, attributes)
        assert set(attributes) <= ATTRIBUTES, (tag, attributes)
        assert not attributes.get("src") or attributes["src"].startswith(
            ("data:image/png;base64,", "data:image/jpeg;base64,")
        )
        assert tag != "script" or attributes.get("type", "") in INERT | {""}
        href = attributes.get("href", "#")
        assert href.startswith(("#", "https://", "http://", "mailto:", "docs/")), href
        assert "evil" not in href
    return page


@pytest.fixture
def parsed() -> Any:
    return dead


@pytest.fixture
def hostile_words() -> list[str]:
    return HOSTILE


@pytest.fixture
def report() -> dict[str, Any]:
    return build_report()


@pytest.fixture
def hostile_report() -> dict[str, Any]:
    poisoned: dict[str, Any] = Poison().of(copy.deepcopy(build_report()))
    for one in poisoned["evidence"]:
        for every in one["tables"].values():
            length = len(next(iter(every["columns"].values())))
            every["columns"] = every["columns"] | {word: [word] * length for word in HOSTILE[:4]}
    return poisoned


@pytest.fixture
def each_table() -> dict[str, dict[str, Any]]:
    return tables()
