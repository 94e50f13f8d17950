"""Text: how numbers and names are written, the same in every place that shows them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from auditkit.ranges import is_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "about",
    "as_shown",
    "clean",
    "count",
    "criterion_text",
    "cut",
    "ends",
    "finite",
    "gathered",
    "in_three_digits",
    "measured",
    "method_words",
    "number",
    "number_of",
    "of_group",
    "one_line",
    "p_value",
    "percent",
    "plain_reason",
    "share",
    "spanned",
    "words",
]

UNDEFINED = "undefined"
_METHODS = {
    name.lower(): name
    for name in ("Wilson", "Newcombe", "DeLong", "Clopper-Pearson", "MOVER-R", "Bonett-Price", "Welch", "Student",
                 "Bonferroni", "Holm", "Miettinen-Nurminen", "Katz", "Tukey", "Kramer", "Tukey-Kramer", "Koopman")
}  # fmt: skip
_SAID = {"train_test_gap": "train-test gap"}
_ACRONYMS = {
    word.lower(): word
    for word in "TPR FPR TNR FNR PPV NPV FDR AUC ROC ECE SHAP MAE RMSE MSE RMIA LiRA R2 Brier".split()  # noqa: SIM905
}

# C0 and C1 controls but tab and line feed, and what reorders, hides or joins text: bidi controls, zero-width, tags
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_PERCENT = re.compile(r"(?<![0-9a-z])(0?)([1-9][0-9]*)pct(?![0-9a-z])")
_PYTHON = re.compile(
    r"pass (?:[a-z]+=)?[A-Z][A-Za-z]*\(.{0,200}?\),? (?:or )?(?=add \[?data\.)"
)  # in a reason that also says it of a subject file


def clean(value: object) -> str:
    """Return text in which every hidden or reordering character is visible as U+FFFD.

    Examples
    --------
    >>> clean("a" + chr(0x202E) + "b")
    'a\ufffdb'
    """
    return _HIDDEN.sub("\ufffd", "" if value is None else str(value))


def one_line(value: object) -> str:
    """Return cleaned text with every run of white space as one blank."""
    return " ".join(clean(value).split())


def cut(value: object, width: int = 28) -> str:
    """Return one line of at most `width` characters; an ellipsis marks what is missing.

    Examples
    --------
    >>> cut("a rather long label", 10)
    'a rather …'
    """
    text = one_line(value)
    return text if len(text) <= width else text[: width - 1] + "…"


def number(value: Any) -> str:
    """Return a number as a reader expects it: three decimals, or two digits that count, thousands separators, never ``nan``.

    Examples
    --------
    >>> number(0.18249), number(1234567), number(None), number("Infinity"), number(0.00004)
    ('0.182', '1,234,567', 'undefined', '∞', '4e-05')
    >>> number(0.0075), number(0.00082), number(2.0**500)
    ('0.0075', '0.00082', '3.3e+150')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    value = _as_float(value)
    if value is None or math.isnan(value):
        return UNDEFINED
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    whole = size < 10**15 if isinstance(value, int) else 1000 <= size < 1e9 and value == int(value)
    if whole:
        return f"{int(value):,}".replace("-", "−")
    if size >= 1e9 or 0 < size < _SMALLEST:
        text = f"{value:.2g}"
    elif size >= 100:
        text = f"{value:,.0f}" if size >= 1000 else f"{value:.1f}"
    else:
        text = f"{value:.{_decimals(size)}f}"
    return "−" + text[1:] if text.startswith("-") else text


def as_shown(value: float) -> float:
    """Return a number with no more digits than `number` shows of it.

    Examples
    --------
    >>> as_shown(0.18249), as_shown(-1234.56), as_shown(0.00004321), as_shown(float("inf"))
    (0.182, -1235.0, 4.3e-05, inf)
    """
    if not math.isfinite(value):
        return value
    return float(number(value).replace(",", "").replace("−", "-"))


def amount(value: Any) -> str:
    """Return a value of an input, or a cut through it: as `number`, and without noughts at the end of its decimals.

    Examples
    --------
    >>> amount(29.0), amount(29.5), amount(2100.0), amount(None)
    ('29', '29.5', '2,100', 'undefined')
    """
    read = finite(value)
    if read is not None and read.is_integer() and abs(read) < 10**9:
        return number(int(read))
    said = number(value)
    return said.rstrip("0").rstrip(".") if "." in said and "e" not in said else said


def in_three_digits(size: float, *, up: bool = False) -> str:
    """Return a size in three digits that is not above it, or not below it.

    Examples
    --------
    >>> in_three_digits(4.776), in_three_digits(4.771, up=True), in_three_digits(2.0)
    ('4.77', '4.78', '2')
    """
    if not 0 < size < math.inf:
        return f"{size:g}"
    digit = 10.0 ** (math.floor(math.log10(size)) - 2)
    whole = math.ceil(size / digit - 1e-9) if up else math.floor(size / digit + 1e-9)
    return f"{whole * digit:.3g}"


def share(value: Any) -> str:
    """Return a share in percent, with the digits that `number` gives it: a page never says one number in two ways.

    Examples
    --------
    >>> share(0.18249), share(0.0075), share(0.0), share(None)
    ('18.2%', '0.75%', '0.0%', 'undefined')
    """
    read = None if isinstance(value, bool) else _as_float(value)
    if read is None or math.isnan(read):
        return UNDEFINED
    if math.isinf(read) or 0 < abs(read) < _SMALLEST:
        return f"{number(100 * read)}%"
    return f"{100 * read:,.{_decimals(abs(read)) - 2}f}%".replace("-", "−")


_SMALLEST = 0.0001  # below it, powers of ten


def _decimals(size: float) -> int:
    """Return how many decimals a number between -100 and 100 is written with: three, more where that leaves one digit."""
    return 3 if size == 0 or size >= 0.01 else 4 if size >= 0.001 else 5


def _as_float(value: Any) -> float | int | None:
    """Read a JSON number, where infinities travel as words; anything else is None."""
    if isinstance(value, (int, float)):
        return value
    return float(value) if value in ("Infinity", "-Infinity") else None


def finite(value: Any) -> float | None:
    """Return a finite float, or None."""
    read = None if isinstance(value, bool) else _as_float(value)
    return float(read) if read is not None and math.isfinite(read) else None


def p_value(p: Any) -> str:
    """Return a p-value with its sign; one too small for the machine is not written as 0.

    Examples
    --------
    >>> p_value(0.31), p_value(0.0002), p_value(7.39e-152), p_value(0.0)
    ('= 0.310', '= 0.0002', '= 7.4e-152', '< 1e-300')
    """
    value = finite(p)
    if value is None:
        return f"= {UNDEFINED}"
    if value < 1e-300:
        return "< 1e-300"
    return f"= {value:.3f}" if value >= 0.01 else f"= {value:.2g}"


def about(n: Any) -> str:
    """Return an estimate of a number of records with two digits that count.

    Examples
    --------
    >>> about(3_722_592), about(41_666), about(900), about(2_960_000_000)
    ('3.7 million', '42,000', '900', '3.0 billion')
    """
    value = finite(n)
    if value is None or value < 100:
        return number(n)
    rounded = float(f"{value:.1e}")
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if rounded >= size:
            return f"{rounded / size:,.1f} {word}" if rounded < 10 * size else f"{rounded / size:,.0f} {word}"
    return f"{rounded:,.0f}"


def percent(level: Any) -> str:
    """Return a level as a percentage; proportions that were measured stay proportions.

    Examples
    --------
    >>> percent(0.95), percent(0.999)
    ('95%', '99.9%')
    """
    level = finite(level)
    return "" if level is None else f"{100 * level:.4g}%"


def count(n: Any) -> str:
    """Return a number of records.

    Examples
    --------
    >>> count(16281)
    '16,281'
    """
    return number(n)


def measured(m: Mapping[str, Any] | None) -> str:
    """Return a measurement's value with its interval; an undefined one with the reason.

    Examples
    --------
    >>> measured({"value": 0.182, "interval": {"low": 0.165, "high": 0.199}})
    '0.182 [0.165, 0.199]'
    >>> measured({"value": None, "reason": "no positives"})
    'undefined: no positives'
    >>> measured({"metric": "secrets_found", "value": 1.0})
    '1'
    """
    if m is None:
        return "not measured"
    value = number_of(m.get("metric"), m.get("value"))
    if value == UNDEFINED:
        return f"{UNDEFINED}: {plain_reason(m['reason'])}" if m.get("reason") else UNDEFINED
    interval = m.get("interval")
    sign = {"lower": "≥ ", "upper": "≤ "}.get(str(m.get("bound")), "")
    return f"{sign}{value}" + (f" {ends(interval['low'], interval['high'])}" if interval else "")


def number_of(metric: object, value: Any) -> str:
    """Return a value of a metric, or a limit for one: counts as whole numbers.

    Examples
    --------
    >>> number_of("secrets_found", 0.0), number_of("k_anonymity", 2000.0), number_of("accuracy", 1.0), number_of("k_anonymity", None)
    ('0', '2,000', '1.000', 'undefined')
    """
    return amount(value) if is_count(str(metric)) else number(value)


def ends(low: Any, high: Any) -> str:
    """Return ``[low, high]``."""
    return f"[{number(low)}, {number(high)}]"


def spanned(value: Any, low: Any, high: Any) -> str:
    """Return a value with its interval; alone where there is neither, or it is undefined.

    Examples
    --------
    >>> spanned(0.5, 0.4, 0.6), spanned(0.5, None, None), spanned(None, 0.4, 0.6), spanned(0.5, 0.4, None)
    ('0.500 [0.400, 0.600]', '0.500', 'undefined', '0.500 [0.400, undefined]')
    """
    shown, around = number(value), ends(low, high)
    return shown if shown == UNDEFINED or around == f"[{UNDEFINED}, {UNDEFINED}]" else f"{shown} {around}"


def words(name: object) -> str:
    """Return a snake-case name as words.

    Examples
    --------
    >>> words("demographic_parity_difference"), words("tpr_at_1pct_fpr"), words("tpr_at_01pct_fpr")
    ('demographic parity difference', 'TPR at 1% FPR', 'TPR at 0.1% FPR')
    """
    if str(name) in _SAID:
        return _SAID[str(name)]
    plain = _PERCENT.sub(lambda found: f"{'0.' if found[1] else ''}{found[2]}%", one_line(name))
    return " ".join(_ACRONYMS.get(word, word) for word in plain.replace("_", " ").split(" "))


def method_words(name: object) -> str:
    """Return the method of an interval as the literature writes it.

    Examples
    --------
    >>> method_words("mover-r wilson"), method_words("clopper-pearson"), method_words("t")
    ('MOVER-R Wilson', 'Clopper-Pearson', "Student's t")
    """
    plain = words(name)
    if plain == "t" or plain.startswith("t "):
        return f"Student's {plain}"
    return re.sub(r"[a-z]+(?:-[a-z]+)*", lambda found: _METHODS.get(found[0], found[0]), plain)


def of_group(metric: object, group: object) -> str:
    """Return a metric and whom it is about.

    Examples
    --------
    >>> of_group("selection_rate", "sex=Female")
    'selection rate · sex=Female'
    """
    return f"{words(metric)} · {one_line(group)}" if group else words(metric)


def criterion_text(criterion: Mapping[str, Any] | None) -> str:
    """Return what a criterion asks for.

    Examples
    --------
    >>> criterion_text({"at_least": 0.8, "at_most": None})
    'at least 0.800'
    >>> criterion_text({"metric": "secrets_found", "at_most": 0.0})
    'at most 0'
    """
    if not criterion:
        return "no criterion"
    asked = [
        f"{name} {number_of(criterion.get('metric'), criterion[key])}"
        for name, key in (("at least", "at_least"), ("at most", "at_most"))
        if criterion.get(key) is not None
    ]
    return " and ".join(asked) or "no limit given"


def gathered(gaps: Iterable[Mapping[str, Any]]) -> list[tuple[list[str], str, list[str]]]:
    """Return what was not examined, by reason: those of one reason in one entry, and what they hold by name.

    Examples
    --------
    >>> gathered([{"what": "a", "why": "no time"}, {"what": "b", "why": "no data"}, {"what": "c", "why": "no time"}])
    [(['a', 'c'], 'no time', []), (['b'], 'no data', [])]
    """
    found: dict[str, tuple[list[str], list[str]]] = {}
    for gap in gaps:
        whats, names = found.setdefault(plain_reason(gap.get("why")), ([], []))
        whats.append(one_line(gap.get("what")))
        names.extend(map(one_line, gap.get("names") or ()))
    return [(whats, why, names) for why, (whats, names) in found.items()]


def plain_reason(reason: object) -> str:
    """Return a reason in words for who reads a page: where it names the subject file, not what to type in Python besides.

    Examples
    --------
    >>> plain_reason("no training data: pass Subject(..., train=Dataset(X, y)), or add [data.train] to the subject file")
    'no training data: add [data.train] to the subject file'
    """
    return _PYTHON.sub("", one_line(reason))
