"""Options that hold names: a wrong one is refused before anything runs, with the nearest that is known."""

from __future__ import annotations

import importlib.util
from typing import Annotated, Any

import pytest
from typing_extensions import Doc

import auditkit as ak
from auditkit.check import check, registry, resolve
from auditkit.checks.robustness._threats import _upwards
from auditkit.data import make_credit
from auditkit.errors import InputError
from auditkit.evidence import Evidence, Measurement
from auditkit.naming import NameOf, inputs_of
from auditkit.predictors import from_callable


@pytest.fixture(scope="module")
def credit():
    return make_credit(n_train=60, n_test=60)


def asked(rows):
    """Answer for a model that nobody may ask."""
    raise AssertionError("the model was asked")


# --- when a plan is made


@pytest.mark.parametrize(
    ("name", "option", "given", "said"),
    [
        ("robustness_mitigation_lab", "defences", ["smoothin"], "'smoothin' is no defence. Did you mean 'smoothing'?"),
        ("privacy_mitigation_lab", "remedies", ["roundin"], "'roundin' is no remedy. Did you mean 'rounding'?"),
        ("mitigation_lab", "mitigations", ["reweighting"], "is no mitigation. Did you mean 'reweighing'?"),
    ],
)  # fmt: skip
def test_a_wrong_name_is_refused_when_the_plan_is_made(name: str, option: str, given: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        ak.Audit({name: {option: given}})
    assert str(caught.value).startswith(f"{name}: {option}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("library", "package", "attack", "meant"),
    [
        ("art", "art", "HopSkipJmp", "HopSkipJump"),
        ("art", "art", "DeepFol", "DeepFool"),
        ("foolbox", "foolbox", "LinfPDG", "LinfPGD"),
        ("foolbox", "foolbox", "BoundaryAtack", "BoundaryAttack"),
    ],
)
def test_an_attack_a_library_does_not_have_is_refused_where_it_is_installed(library, package, attack, meant):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    with pytest.raises(InputError, match=f"{attack!r} is no attack of this library.*Did you mean {meant!r}"):
        ak.Audit({"art_attack": {"library": library, "attack": attack}})
    ak.Audit({"art_attack": {"library": library, "attack": meant}})


def test_without_the_library_the_name_is_left_to_the_check(monkeypatch):
    from auditkit.checks.robustness import libraries
    from auditkit.errors import NotApplicable

    def missing(**_: bool) -> list[str]:
        raise NotApplicable("ART is not installed")

    monkeypatch.setattr(libraries.evasion, "art_attacks", missing)
    ak.Audit({"art_attack": {"attack": "HopSkipJmp"}})


def test_the_default_attack_needs_no_library(monkeypatch):
    from auditkit.checks.robustness import libraries

    monkeypatch.setattr(
        libraries.evasion, "art_attacks", lambda **_: pytest.fail("the library was looked at")
    )
    ak.Audit(["art_attack"])


# --- when it meets a subject

COLUMNS = [
    *((c.name, "immutable") for c in registry().checks if any(p.name == "immutable" for p in c.parameters)),
    ("demographic_parity", "features"),
    ("worst_slice", "features"),
    ("attribute_inference", "features"),
    ("data_anonymity", "quasi_identifiers"),
]


@pytest.mark.parametrize(("name", "option"), COLUMNS)
def test_a_wrong_column_is_refused_before_the_model_is_asked(credit, name, option):
    silent = ak.Subject(
        "s",
        from_callable(asked, classes=["repaid", "defaulted"]),
        credit.test,
        credit.train,
        positive=credit.positive,
    )
    column = "sex" if option == "features" and name != "attribute_inference" else "age"
    audit = ak.Audit({"model_performance": {}, name: {option: [column + "e"]}})
    with pytest.raises(
        InputError, match=rf"^{name}: {option}: '{column}e' is no .*Did you mean '{column}'\?"
    ):
        audit.stream(silent)  # at once, before the first event


def test_options_that_take_one_name_are_looked_up_too(credit):
    for name, option in (("mitigation_lab", "feature"), ("ll144", "sex"), ("data_anonymity", "confidential")):
        about = next(
            (c for c in registry().checks if option in [p.name for p in c.parameters] and name in c.name),
            None,
        )
        assert about is not None, name
        with pytest.raises(InputError, match=f"{option}: 'sexx' is no"):
            ak.Audit({about.name: {option: "sexx"}}).stream(credit)


def test_what_was_observed_before_or_is_not_asked_for_now_is_not_looked_at_again(credit):
    audit = ak.Audit({"model_performance": {}, "decision_attack": {"immutable": ["agee"]}})
    *_, ended = audit.stream(credit, only=["AK001"])
    assert ended.report.of("model_performance").outcome == "observed"


def test_a_subject_without_such_names_is_left_to_the_check(credit):
    bare = ak.Subject(
        "s", credit.model.inner, ak.Dataset(credit.test.X, credit.test.y), positive=credit.positive
    )
    report = ak.Audit({"demographic_parity": {"features": ["sex"]}}).run(bare)
    assert report.of("demographic_parity").outcome == "not_applicable"


def test_a_check_of_ones_own_declares_names_in_its_signature(credit):
    @check(code="XX901", title="T", question="Q?", dimension="model_performance", metrics=["one"])
    def own(
        subject, *, rng,
        by: Annotated[str | None, NameOf(what="input", of=inputs_of), Doc("By.")] = None,
        metal: Annotated[str, NameOf(what="metal", among=lambda options: ["gold", options["other"]])] = "gold",
        other: str = "tin",
    ) -> Evidence:  # fmt: skip
        return Evidence("XX901", (Measurement("one", 1.0, 1),))

    about = own.__auditkit__
    assert resolve(about, {"metal": "tin"})["metal"] == "tin"
    with pytest.raises(InputError, match=r"own: metal: 'tin' is no metal. Known: gold, lead."):
        resolve(about, {"metal": "tin", "other": "lead"})
    assert ak.Audit([own]).run(credit).of("XX901").outcome == "observed"
    with pytest.raises(InputError, match="own: by: 'x' is no input"):
        ak.Audit({own: {"by": "x"}}).run(credit)


@pytest.mark.parametrize(
    ("size", "said"), [(0.0005, "0.0005"), (0.12345, "0.13"), (1.0, "1"), (0.1, "0.1"), (16.2, "17"), (0.999, "1"), (250.0, "250"), (1234.0, "1300")]
)  # fmt: skip
def test_the_radius_that_a_message_names_is_enough_and_not_much_more(size, said):
    assert _upwards(size) == said
    assert size <= float(said) <= 1.11 * size


@pytest.mark.parametrize(
    ("given", "only", "said"),
    [
        (True, ["AK999"], "'AK999' is none"),
        (True, ["decision_attack"], "'decision_attack' is none"),
        (False, None, "an audit needs a Subject"),
    ],
)
def test_a_look_at_names_looks_at_something_or_says_why_not(credit, given, only, said):
    audit = ak.Audit({"decision_attack": {"immutable": ["agee"]}})
    with pytest.raises(InputError, match=said):
        audit.fits(credit if given else 7, only)
    with pytest.raises(InputError, match="'agee' is no input"):
        audit.fits(credit, "AK303")  # one code, as `stream` takes it
