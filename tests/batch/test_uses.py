"""Uses: a key holds the releases and the code that decide the numbers of its audit, and no others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import auditkit
from auditkit.batch import uses
from auditkit.batch.keys import Digests, differing, key_of, made_of
from auditkit.batch.plan import load_plan
from auditkit.batch.uses import BASE, OF_CHECKS, used

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Install distributions of one package each in a folder of the test; give the folder of the package."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def install(name: str, release: str, *, entry: str = "", **files: str) -> Path:
        package = site / name
        shutil.rmtree(package, ignore_errors=True)
        for old in site.glob(f"{name}-*.dist-info"):
            shutil.rmtree(old)
        package.mkdir()
        for stem, text in {"__init__": "", **files}.items():
            (package / f"{stem}.py").write_text(text)
        about = site / f"{name}-{release}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {release}\n")
        (about / "RECORD").write_text("".join(f"{name}/{p.name},,\n" for p in package.iterdir()))
        if entry:
            (about / "entry_points.txt").write_text(entry)
        for known in (uses._distributions, uses._plug_ins, uses._editable):
            known.cache_clear()
        return package

    yield install
    for known in (uses._distributions, uses._plug_ins, uses._editable):
        known.cache_clear()


def cells(*sources: str, origin: str = "file", checks: tuple[Any, ...] = ()) -> Any:
    """Return what stands for a template."""
    notebook = {"cells": [{"cell_type": "code", "source": one} for one in sources]}
    return SimpleNamespace(notebook=notebook, origin=origin, resolved_checks=lambda: checks)


def of(subject: Path, template: Any = None) -> dict[str, dict[str, str]]:
    return used(template or cells(origin="auditkit"), subject, Digests())


def test_recorded_predictions_in_csv_use_nothing_beyond_what_every_audit_uses(
    place: Path, installed: Callable[..., Path]
) -> None:
    assert of(place / "toy.toml") == {"packages": {}, "code": {}}
    before = of(place / "toy.toml")
    installed("torch", "99.0")  # another release of what this subject does not use
    assert of(place / "toy.toml") == before


def test_a_table_in_parquet_uses_pyarrow(place: Path) -> None:
    import pandas as pd
    import pyarrow as pa

    pd.read_csv(place / "said.csv").to_parquet(place / "said.csv")  # told apart by content, as it is read
    assert of(place / "toy.toml")["packages"] == {"pyarrow": pa.__version__}


def test_a_model_file_uses_the_libraries_of_its_types(place: Path) -> None:
    import joblib
    import lightgbm
    import skops
    import skops.io
    from sklearn.linear_model import LogisticRegression

    X, y = np.arange(40.0).reshape(-1, 1), np.arange(40) % 2
    text = (place / "toy.toml").read_text()
    model = '[model.predictions]\npath = "said.csv"\nlabel = "said"\n'
    (place / "toy.toml").write_text(text.replace(model, '[model]\npath = "model.bin"\n'))
    boosted = lightgbm.LGBMClassifier(n_estimators=2, min_child_samples=2, verbose=-1).fit(X, y)
    linear = LogisticRegression().fit(X, y)

    skops.io.dump(linear, place / "model.bin")
    assert of(place / "toy.toml")["packages"] == {"skops": skops.__version__}
    skops.io.dump(boosted, place / "model.bin")
    assert of(place / "toy.toml")["packages"] == {
        "lightgbm": lightgbm.__version__,
        "skops": skops.__version__,
    }
    joblib.dump(linear, place / "model.bin", compress=3)
    assert set(of(place / "toy.toml")["packages"]) == {"joblib"}
    joblib.dump(boosted, place / "model.bin", compress=3)
    assert set(of(place / "toy.toml")["packages"]) == {"joblib", "lightgbm"}


def factory(place: Path, code: str) -> Path:
    text = (place / "toy.toml").read_text().partition("[data.test]")[2]
    (place / "made.py").write_text(code)
    (place / "toy.toml").write_text(f'name = "toy"\n[model]\npython = "made:make"\n[data.test]{text}')
    return place / "toy.toml"


def test_a_factory_uses_what_it_imports_and_the_modules_beside_it(place: Path) -> None:
    import lightgbm

    code = (
        "import helper\ndef make():\n    from lightgbm import LGBMClassifier\n    return LGBMClassifier()\n"
    )
    subject = factory(place, code)
    (place / "helper.py").write_text("import json, numpy, further\n")
    (place / "further.py").write_text("STEPS = 1\n")
    first = of(subject)
    assert first["packages"] == {"lightgbm": lightgbm.__version__}
    assert set(first["code"]) == {"made", "helper", "further"}
    (place / "further.py").write_text("STEPS = 2\n")
    second = of(subject)
    assert differing(first, second) == ["code.further"]


def test_a_package_of_a_teams_own_counts_by_its_release_and_by_all_its_files(
    place: Path, installed: Callable[..., Path]
) -> None:
    entry = "[auditkit.checks]\nteam = teamchecks.check\n"
    helper = "from boostlib import fit\nLEVEL = 1\n"
    package = installed("teamchecks", "1.0", entry=entry, check="from ._helper import LEVEL\n", helper=helper)
    installed("boostlib", "3.1")
    check = SimpleNamespace(function=SimpleNamespace(__module__="teamchecks.check"))
    asked = cells(checks=(check,), origin="auditkit")
    first = of(place / "toy.toml", asked)
    assert first["packages"] == {"boostlib": "3.1", "teamchecks": "1.0"}
    assert set(first["code"]) == {"teamchecks"}
    (package / "helper.py").write_text(helper.replace("1", "2"))
    second = of(place / "toy.toml", asked)
    assert differing(first, second) == ["code.teamchecks"]
    installed("boostlib", "3.2")
    assert differing(second, of(place / "toy.toml", asked)) == ["packages.boostlib (3.1, 3.2)"]
    # of a library that is no plug-in its release says enough, and who does not ask for the check does not use it
    assert of(place / "toy.toml") == {"packages": {}, "code": {}}


def test_a_template_uses_what_its_cells_import(place: Path, installed: Callable[..., Path]) -> None:
    installed("teamplots", "2.0", entry="[auditkit.templates]\nteam = teamplots\n")
    installed("otherlib", "5.0")
    asked = cells(
        "%matplotlib inline\nimport auditkit as ak, teamplots.draw",
        "%%time\nif True:\n    %pwd\n    from otherlib import it",
        "oh no(",
    )
    found = of(place / "toy.toml", asked)
    assert found["packages"] == {"otherlib": "5.0", "teamplots": "2.0"}
    assert set(found["code"]) == {"teamplots"}


def test_a_package_of_a_factory_is_followed_also_where_a_template_imports_it(
    place: Path, installed: Callable[..., Path]
) -> None:
    subject = factory(place, "")
    subject.write_text(subject.read_text().replace("made:make", "teamlib.models:make"))
    package = installed("teamlib", "1.0", models="from teamlib.core import LEVEL\n", core="LEVEL = 1\n")
    asked = cells("import teamlib")
    first = of(subject, asked)
    (package / "core.py").write_text("LEVEL = 2\n")
    assert differing(first, of(subject, asked)) == ["code.teamlib"]


def test_a_package_that_is_installed_editable_counts_by_its_files(
    place: Path, installed: Callable[..., Path]
) -> None:
    package = installed("teamlib", "1.0", core="LEVEL = 1\n")
    asked = cells("from teamlib import core")
    assert of(place / "toy.toml", asked) == {"packages": {"teamlib": "1.0"}, "code": {}}
    about = package.parent / "teamlib-1.0.dist-info" / "direct_url.json"
    about.write_text('{"dir_info": {"editable": true}, "url": "file:///src"}')
    uses._editable.cache_clear()
    first = of(place / "toy.toml", asked)
    (package / "core.py").write_text("LEVEL = 2\n")
    assert differing(first, of(place / "toy.toml", asked)) == ["code.teamlib"]


def test_a_module_in_the_working_folder_counts_as_a_kernel_imports_it_from_there(
    place: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path_factory.mktemp("here")
    monkeypatch.chdir(here)
    (here / "nearby.py").write_text("LEVEL = 1\n")
    asked = cells("import nearby")
    first = of(place / "toy.toml", asked)
    (here / "nearby.py").write_text("LEVEL = 2\n")
    assert differing(first, of(place / "toy.toml", asked)) == ["code.nearby"]


def test_what_is_not_installed_is_said_so_that_its_coming_counts(
    place: Path, installed: Callable[..., Path]
) -> None:
    asked = cells("import laterlib")
    first = of(place / "toy.toml", asked)
    assert first["packages"] == {"laterlib": ""}
    installed("laterlib", "1.0")
    assert of(place / "toy.toml", asked)["packages"] == {"laterlib": "1.0"}


def test_a_key_follows_what_it_is_made_of(place: Path, write_plan: Any) -> None:
    subject = factory(place, "import helper\n\ndef make():\n    return helper.MODEL\n")
    (place / "helper.py").write_text("MODEL = 1\n")
    (audit,) = load_plan(write_plan()).audits
    before, made = key_of(audit, Digests()), made_of(audit, Digests())
    assert json.loads(json.dumps(made)) == made  # it travels as JSON
    (place / "helper.py").write_text("MODEL = 2\n")
    assert key_of(audit, Digests()) != before
    assert differing(made, made_of(audit, Digests())) == ["uses.code.helper"]
    subject.write_text(subject.read_text() + "\n")
    assert differing(made, made_of(audit, Digests())) == ["subject", "uses.code.helper"]


SUBJECTS_OWN = {
    "torch",
    "xgboost",
}  # used for models of these libraries alone, which the subject's files name


def test_every_heavy_package_that_checks_and_methods_import_is_spoken_of() -> None:
    root = Path(auditkit.__file__).parent
    known = {*BASE, *SUBJECTS_OWN, *(name for names in OF_CHECKS.values() for name in names)}
    light = {"annotated_types", "typing_extensions", "threadpoolctl"}
    for folder in ("checks", "methods"):
        for path in (root / folder).rglob("*.py"):
            names = uses._imports(path.read_text()) - uses.sys.stdlib_module_names - {"auditkit"} - light
            assert names <= known, (path, names - known)
    for begins in OF_CHECKS:
        stem = root.joinpath(*begins.split(".")[1:])
        assert stem.is_dir() or stem.with_suffix(".py").is_file()
