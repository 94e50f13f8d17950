"""Forms: every control comes from a signature, says what it is, and gives back what it was given."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import ipywidgets as w
import pytest
from annotated_types import Ge, Gt, Le, Lt
from typing_extensions import Doc

from auditkit.check import Parameter, registry
from auditkit.errors import InputError
from auditkit.widgets.forms import Field, Form, control, hint


def parameter(annotation: Any, default: Any, **more: Any) -> Parameter:
    return Parameter("some_option", annotation, default, "What <b>it</b> does.", **more)


LEVEL = parameter(Annotated[float, Gt(0.5), Lt(1)], 0.95, low=0.5, high=1, low_open=True, high_open=True)
COUNT = parameter(Annotated[int, Ge(1), Le(50)], 5, low=1, high=50)

CASES: list[tuple[Any, ...]] = [
    (LEVEL, w.FloatText, 0.9, 0.9),
    (COUNT, w.IntText, 7, 7),
    (parameter(Annotated[int, Ge(10)], 500, low=10), w.IntText, 10**7, 10**7),
    (parameter(Annotated[float, Gt(0)], 0.5, low=0, low_open=True), w.FloatText, 250.25, 250.25),
    (parameter(float, -1.5), w.FloatText, -2e6, -2e6),
    (parameter(bool, False), w.Checkbox, True, True),
    (parameter(Literal["a", "b"], "a", choices=("a", "b")), w.Dropdown, "b", "b"),
    (parameter(Annotated[Literal["a", "b"] | None, Doc("x")], None), w.Dropdown, "b", "b"),
    (parameter(str, "x"), w.Text, "007", "007"),
    (parameter(list[str] | None, None), w.Text, "sex, age band", ["sex", "age band"]),
    (parameter(list[str] | None, ["a,b", "c"]), w.Text, '["a,b"]', ["a,b"]),
    (parameter(list[str] | None, ["a"]), w.Text, "", None),
    (parameter(int | None, None), w.Text, "12", 12),
    (parameter(int | None, 3), w.Text, "", None),
    (parameter(list[float], [0.1, 0.2]), w.Text, "[1, 2.5]", [1.0, 2.5]),
]


@pytest.mark.parametrize(("given", "kind", "typed", "read"), CASES)
def test_a_control_for_every_type(given: Parameter, kind: Any, typed: Any, read: Any) -> None:
    made: Any = control(given, given.default)
    assert type(made.widget) is kind
    assert made.read() == given.default
    made.widget.value = typed
    assert made.read() == read
    assert type(made.read()) is type(read)


@pytest.mark.parametrize("given", [case[0] for case in CASES])
def test_every_control_is_labelled_and_shows_no_markup(given: Parameter) -> None:
    widget = control(given, given.default).widget
    assert widget.description == "Some option"
    assert widget.description_allow_html is False
    assert widget.tooltip == "What <b>it</b> does."


@pytest.mark.parametrize("typed", [99, 0, -3])
def test_what_is_typed_stays_and_is_refused_at_its_field(typed: int, small: Any) -> None:
    made: Any = control(COUNT, 5)
    field: Any = Field(made)
    made.widget.value = typed
    assert not field.fits()
    assert made.widget.value == typed
    assert "Not possible" in field.children[-1].value
    assert f"={typed}" in field.children[-1].value
    made.widget.value = 7
    assert field.fits()
    assert len(field.children) == 2
    assert control(LEVEL, 0.95).widget.step == 0.01


def test_an_open_end_is_refused_in_words() -> None:
    made = control(LEVEL, 0.95)
    made.widget.value = 1.0
    with pytest.raises(InputError, match="less than 1"):
        made.read()


def test_a_form_tells_values_or_the_problem(small: Any) -> None:
    told: list[dict[str, Any]] = []
    about = small.gap.__auditkit__
    form: Any = Form(about, {p.name: p.default for p in about.parameters}, told.append)
    form.controls["draws"].widget.value = 9
    assert told == [{"level": 0.95, "shown": "rates", "draws": 9, "strict": False, "features": None}]
    form.controls["features"].widget.value = '["<b>", 1]'
    assert len(told) == 1
    field = form.controls["features"].widget
    row = next(r for r in form.children[-1].children if field in r.children)
    text = row.children[-1].value
    assert "Not possible" in text
    assert "&lt;b&gt;" in text
    assert "<b>&" not in text
    form.controls["features"].widget.value = ""
    assert row.trouble is None
    assert len(told) == 2
    form.enable(on=False)
    assert all(one.widget.disabled for one in form.controls.values())


def test_the_rest_waits_under_more_settings(small: Any) -> None:
    about = small.gap.__auditkit__
    form = Form(about, {p.name: p.default for p in about.parameters}, lambda _: None)
    switch, rest = form.children[2], form.children[3]
    assert switch.description == "More settings (3)"
    assert rest.layout.display == "none"
    switch.value = True
    assert rest.layout.display == ""
    switch.value = False
    assert rest.layout.display == "none"


@pytest.mark.parametrize("about", registry().checks, ids=lambda c: c.name)
def test_every_installed_check_has_a_form_that_gives_its_defaults(about: Any) -> None:
    defaults = {p.name: p.validate(p.default) for p in about.parameters}
    form = Form(about, defaults, lambda _: None)
    assert form.values() == defaults
    assert all(one.widget.description and one.widget.tooltip for one in form.controls.values())


FEATURES = parameter(list[str] | None, None)


def test_names_of_the_subject_are_chosen_and_not_typed() -> None:
    made: Any = control(FEATURES, None, ("sex", "age <b>"))
    assert type(made.widget) is w.SelectMultiple
    assert made.read() is None
    made.widget.value = ("age <b>",)
    assert made.read() == ["age <b>"]
    made.widget.value = ()
    assert made.read() is None
    assert made.widget.description == "Some option"
    assert made.widget.description_allow_html is False


def test_a_name_set_in_code_stays_chosen() -> None:
    assert control(FEATURES, ["race"], ("sex",)).read() == ["race"]


def test_a_list_that_must_be_given_is_empty_and_not_none() -> None:
    assert control(parameter(list[str], ["sex"]), [], ("sex",)).read() == []


def test_without_names_to_choose_from_a_list_is_typed() -> None:
    assert type(control(FEATURES, None, ()).widget) is w.Text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (LEVEL, "A number above 0.5 and below 1."),
        (COUNT, "A whole number from 1 up to 50."),
        (parameter(Annotated[int, Ge(10)], 500, low=10), "A whole number from 10."),
        (parameter(Annotated[float, Gt(0), Le(1)], 0.5, low=0, high=1, low_open=True), "A number above 0 up to 1."),
        (parameter(float, 0.5), ""),
        (parameter(bool, False), ""),
    ],
)  # fmt: skip
def test_a_hint_says_the_bounds(given: Parameter, told: str) -> None:
    assert hint(control(given, given.default)) == f"What <b>it</b> does. {told}".strip()


def test_a_hint_says_how_to_choose_several() -> None:
    said = hint(control(FEATURES, None, ("sex",)))
    assert said == "What <b>it</b> does. Ctrl or Cmd adds to the choice; none chosen is the same as left out."
