"""Rules: what must hold between the columns of a changed row, written as an expression."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditkit.errors import InputError, did_you_mean

__all__ = ["FUNCTIONS", "Expression"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FUNCTIONS = ("abs", "col", "max", "min", "missing", "was")
"""What an expression may call: ``was(column)`` is its value before the change, ``col("any name")`` its value after."""

_LONGEST = 1000
_DEEPEST = 40
_COMPARE: dict[type[ast.cmpop], Any] = {
    ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal,
    ast.Eq: np.equal, ast.NotEq: np.not_equal,
}  # fmt: skip
_COUNT: dict[type[ast.operator], Any] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide,
}  # fmt: skip


@dataclass(frozen=True)
class Expression:
    """A cross-feature rule: ``Expression("hours_per_week <= 60 or age >= 18", names)``.

    It is called with the rows before and after a change, both (n, d), and gives a boolean for each, True where the rule
    is kept. A row is held against a rule only if one of the rule's columns changed in it: what was so before is nobody's
    doing. A comparison with a missing value is not true.

    Parameters
    ----------
    text : str
        Columns by their names, numbers, ``"values"`` of categories, ``+ - * /``, ``< <= == != >= >``, ``in [..]``, ``and``,
        ``or``, ``not``, and `FUNCTIONS`. Nothing else is understood, and nothing is executed.
    names : sequence of str, length d
        The columns.
    categories : mapping of str to sequence, optional
        For columns of categories their values, in the order of their codes.

    Attributes
    ----------
    columns : tuple of str
        The columns it speaks of.

    Raises
    ------
    InputError
        If the text is no expression of this kind, or names no column.

    Examples
    --------
    >>> rule = Expression("low <= high", ["low", "high"])
    >>> rule(np.array([[1.0, 2.0], [1.0, 2.0]]), np.array([[1.5, 2.0], [3.0, 2.0]]))
    array([ True, False])
    """

    text: str
    names: tuple[str, ...]
    categories: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    columns: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(map(str, self.names)))
        seen: list[str] = []
        made = _Reader(self, seen).truth(_parsed(self.text))
        if not seen:
            raise self.wrong("it speaks of no column")
        object.__setattr__(self, "columns", tuple(dict.fromkeys(seen)))
        object.__setattr__(self, "_made", made)

    def __call__(self, original: Floats, changed: Floats) -> Bools:
        """Return where the rule is kept, (n,)."""
        at = [self.names.index(name) for name in self.columns]
        before, after = original[:, at], changed[:, at]
        touched = ((before != after) & ~(np.isnan(before) & np.isnan(after))).any(axis=1)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            holds = self._made(original, changed)  # type: ignore[attr-defined]
        return np.asarray(np.broadcast_to(holds, touched.shape) | ~touched)

    def __getstate__(self) -> dict[str, Any]:
        return {"text": self.text, "names": self.names, "categories": self.categories}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
        self.__post_init__()

    def wrong(self, why: str) -> InputError:
        """Return the error that says what is wrong with the rule."""
        return InputError(f"rule {self.text!r}: {why}")


def _parsed(text: str) -> ast.expr:
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST:
        raise InputError(
            f'a rule is a text of up to {_LONGEST} characters, as in "capital_gain == 0 or capital_loss == 0"; got {text!r:.80}'
        )
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(
            f'rule {text!r}: no expression ({error}); write a comparison, as in "age >= was(age)"'
        ) from None


Made = Callable[[Floats, Floats], Any]


@dataclass(frozen=True)
class _Reader:
    """Turns the parts of an expression into functions of the rows before and after; `seen` gathers the columns."""

    rule: Expression
    seen: list[str]
    depth: int = 0

    def _inner(self) -> _Reader:
        if self.depth >= _DEEPEST:
            raise self.rule.wrong("it is nested too deeply")
        return _Reader(self.rule, self.seen, self.depth + 1)

    def truth(self, node: ast.expr) -> Made:
        """Read a part that is true or false."""
        read = self._inner()
        if isinstance(node, ast.BoolOp):
            parts = [read.truth(part) for part in node.values]
            join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            return lambda a, b: join.reduce(np.broadcast_arrays(*(part(a, b) for part in parts)))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = read.truth(node.operand)
            return lambda a, b: ~np.asarray(inner(a, b))
        if isinstance(node, ast.Compare):
            return read.comparison(node)
        if isinstance(node, ast.Call) and _called(node) == "missing" and len(node.args) == 1:
            number, _ = read.column_of(node.args[0])
            return lambda a, b: np.isnan(number(a, b))
        raise self.rule.wrong(f"{ast.unparse(node)} is neither true nor false; compare it with something")

    def comparison(self, node: ast.Compare) -> Made:
        terms = [node.left, *node.comparators]
        pairs = [
            self.pair(left, op, right) for left, op, right in zip(terms, node.ops, terms[1:], strict=False)
        ]
        return lambda a, b: np.logical_and.reduce(np.broadcast_arrays(*(pair(a, b) for pair in pairs)))

    def pair(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Made:
        if isinstance(op, (ast.In, ast.NotIn)):
            return self.membership(left, right, told=isinstance(op, ast.In))
        if type(op) not in _COMPARE:
            raise self.rule.wrong("compare with < <= == != >= > or in")
        compare = _COMPARE[type(op)]
        for one, other in ((left, right), (right, left)):
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                if not isinstance(op, (ast.Eq, ast.NotEq)):
                    raise self.rule.wrong(f'"{one.value}" has no order; compare it with == or !=')
                return self.membership(other, ast.List([one]), told=isinstance(op, ast.Eq))
        first, of_first = self.number(left)
        second, of_second = self.number(right)
        self._same_kind(of_first, of_second, ordered=not isinstance(op, (ast.Eq, ast.NotEq)))
        return lambda a, b: _known(compare, first(a, b), second(a, b))

    def _same_kind(self, first: str | None, second: str | None, *, ordered: bool) -> None:
        """Refuse codes beside numbers: codes of categories are no quantities."""
        coded = [name for name in (first, second) if name is not None and name in self.rule.categories]
        if coded and (ordered or first is None or second is None or len(coded) < 2):
            raise self.rule.wrong(
                f'{coded[0]} holds categories; compare it with == or != and a "value" of it'
            )
        if len(coded) == 2 and list(self.rule.categories[coded[0]]) != list(self.rule.categories[coded[1]]):
            raise self.rule.wrong(
                f"{coded[0]} and {coded[1]} hold other categories, which cannot be compared"
            )

    def membership(self, left: ast.expr, right: ast.expr, *, told: bool) -> Made:
        column, name = self.column_of(left)
        if not isinstance(right, (ast.List, ast.Tuple, ast.Set)) or not right.elts:
            raise self.rule.wrong('after "in" comes a list: ["a", "b"]')
        values = [self._value(one, name) for one in right.elts]
        if told:
            return lambda a, b: np.isin(column(a, b), values)
        return lambda a, b: _absent(column(a, b), values)

    def _value(self, node: ast.expr, name: str) -> float:
        known = self.rule.categories.get(name)
        if known is None:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                raise self.rule.wrong(f"{name} holds numbers, and {node.value!r} is none")
            return float(self._constant(node))
        words = [str(one) for one in known]
        if not isinstance(node, ast.Constant) or str(node.value) not in words:
            said = node.value if isinstance(node, ast.Constant) else ast.unparse(node)
            raise self.rule.wrong(f"{name} has no value {said!r}.{did_you_mean(str(said), words)}")
        return float(words.index(str(node.value)))

    def _constant(self, node: ast.expr) -> float:
        sign = 1.0
        while isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            sign, node = (-sign if isinstance(node.op, ast.USub) else sign), node.operand
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return sign * float(node.value)  # type: ignore[arg-type]
        raise self.rule.wrong(f"expected a number, got {ast.unparse(node)}")

    def number(self, node: ast.expr) -> tuple[Made, str | None]:
        """Read a part that is a number; return also the column, where it is one and nothing else."""
        read = self._inner()
        if isinstance(node, ast.Constant):
            value = self._constant(node)
            return (lambda a, b: value), None  # noqa: ARG005 - every part is called alike
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            inner, sign = read.plain(node.operand), -1.0 if isinstance(node.op, ast.USub) else 1.0
            return (lambda a, b: sign * inner(a, b)), None
        if isinstance(node, ast.BinOp) and type(node.op) in _COUNT:
            count, left, right = _COUNT[type(node.op)], read.plain(node.left), read.plain(node.right)
            return (lambda a, b: count(left(a, b), right(a, b))), None
        if isinstance(node, ast.Call) and _called(node) in ("abs", "min", "max"):
            return read.of_numbers(node), None
        column, name = read.column_of(node)
        return column, name

    def of_numbers(self, node: ast.Call) -> Made:
        name, parts = _called(node), [self.plain(one) for one in node.args]
        if node.keywords or len(parts) < 1 or (name == "abs") != (len(parts) == 1):
            raise self.rule.wrong(f"{name} takes {'one number' if name == 'abs' else 'two numbers or more'}")
        if name == "abs":
            return lambda a, b: np.abs(parts[0](a, b))
        best = np.minimum if name == "min" else np.maximum
        return lambda a, b: best.reduce(np.broadcast_arrays(*(part(a, b) for part in parts)))

    def plain(self, node: ast.expr) -> Made:
        """Read a number that is counted with; codes of categories are none."""
        made, name = self.number(node)
        if name in self.rule.categories:
            raise self.rule.wrong(f'{name} holds categories; compare it with == or != and a "value" of it')
        return made

    def column_of(self, node: ast.expr) -> tuple[Made, str]:
        """Read a column: its name, ``col("its name")``, or ``was(...)`` of either."""
        called = _called(node)
        if (
            called in ("was", "col")
            and isinstance(node, ast.Call)
            and len(node.args) == 1
            and not node.keywords
        ):
            inner = node.args[0]
            name = inner.value if isinstance(inner, ast.Constant) else None
            if called == "was" and not isinstance(name, str):
                _, name = self._inner().column_of(inner)
            at = self._place(str(name))
            return (lambda a, b: (a if called == "was" else b)[:, at]), self.rule.names[at]  # fmt: skip
        if isinstance(node, ast.Name):
            at = self._place(node.id)
            return (lambda a, b: b[:, at]), self.rule.names[at]  # noqa: ARG005 - every part is called alike
        if called is not None:
            raise self.rule.wrong(
                f"it may call {', '.join(FUNCTIONS)} with what they take; got {ast.unparse(node)}"
            )
        raise self.rule.wrong(f"{ast.unparse(node)} is not understood here")

    def _place(self, name: str) -> int:
        if name not in self.rule.names:
            raise self.rule.wrong(f"no column named {name!r}.{did_you_mean(name, self.rule.names)}")
        self.seen.append(name)
        return self.rule.names.index(name)


def _called(node: ast.expr) -> str | None:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None


def _known(compare: Any, first: Any, second: Any) -> Any:
    """Compare; what is missing compares as not true, unequal included."""
    return compare(first, second) & ~(np.isnan(first) | np.isnan(second))


def _absent(values: Floats, these: list[float]) -> Bools:
    return ~np.isin(values, these) & ~np.isnan(values)
