"""Other scanners on the same files: what each flags, what it finds nothing in, and of what it cannot say. Only the gate is held to figures."""

import importlib.util
import io
import os
import pickle
from collections import Counter
from pathlib import Path

import joblib
import pytest

from auditkit.sandbox.limits import Limits
from auditkit.sandbox.process import Child, Ended, Said
from auditkit.scanning.artifacts import Bounds, scan_artifact
from auditkit.scanning.artifacts.opinions import SCANNERS, installed

SPEC = importlib.util.spec_from_file_location("hostile_corpus", Path(__file__).with_name("corpus.py"))
corpus = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(corpus)

SMALL = Bounds(unpacked=64 * 2**20)
EXTENSIONS = {".npy": ".npy", ".npz": ".npz", "torch": ".pt", "zip": ".zip", "skops": ".skops"}


def extension(name):
    return next((found for start, found in EXTENSIONS.items() if name.startswith(start)), ".pkl")


def by_joblib(model):
    stream = io.BytesIO()
    joblib.dump(model, stream)
    return stream.getvalue()


def asked(scanner, files):
    """Return how often a scanner flags, finds nothing, or cannot say; in a process of its own, started again where it ends."""
    said, child = Counter(), None
    for name, data in files:
        try:
            child = child or Child(
                "auditkit.scanning.artifacts.opinions:Host", Limits(seconds=60), imports=(SCANNERS[scanner],)
            )
            said[child.ask((scanner, data, extension(name))).facts["verdict"]] += 1
        except (Ended, Said):
            said["unknown"] += 1
            child = None
    if child is not None:
        child.close()
    return said


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_gate_beside_other_scanners(fitted, marker, capsys):
    if not installed():
        if os.environ.get("CI"):
            pytest.fail("no scanner is installed")
        pytest.skip("no scanner is installed")
    hostile = [
        *corpus.by_call(str(marker)).items(),
        *((name, form[0]) for name, form in corpus.by_form(str(marker)).items()),
    ]
    harmless = [
        (name, pickle.dumps(model)) for name, model, _ in fitted[::4]
    ]  # some scanners take seconds a file
    harmless += [(name, by_joblib(model)) for name, model, _ in fitted[::8]]
    table = [
        "| scanner | hostile: flagged | finds nothing | cannot say | harmless: flagged | finds nothing | cannot say |",
        "|---|---|---|---|---|---|---|",
    ]
    ours = [
        Counter("flagged" if scan_artifact(data, bounds=SMALL).troubles else "clean" for _, data in files)
        for files in (hostile, harmless)
    ]
    rows = {"auditkit": ours} | {
        f"{name} {version}": [asked(name, hostile), asked(name, harmless)]
        for name, version in installed().items()
    }
    for name, (bad, good) in rows.items():
        counts = [found[word] for found in (bad, good) for word in ("flagged", "clean", "unknown")]
        table.append(f"| {name} | {' | '.join(map(str, counts))} |")
    with capsys.disabled():
        print(f"\n{len(hostile)} hostile and {len(harmless)} harmless files\n" + "\n".join(table))  # noqa: T201 - the table is what it is run for
    assert dict(ours[0]) == {"flagged": len(hostile)}
    assert dict(ours[1]) == {"clean": len(harmless)}
