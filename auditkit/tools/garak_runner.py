"""Runner: asks garak 0.17.1 to put its probes to a model. Stand-alone; runs in garak's own environment.

It is called with a folder. It reads ``in.npz`` there and leaves garak's own ``garak.report.jsonl``, and ``quality.json``.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["main"]

_PACKAGES = ("garak", "numpy", "torch", "transformers")


def main(words: list[str]) -> None:
    """Run the probes that a folder names, or, with ``--check``, import garak and no more.

    Parameters
    ----------
    words : list of str
        The folder; then ``--check`` or nothing.

    Notes
    -----
    ``request`` in ``in.npz`` is a JSON text: ``probes``, ``tries``, ``prompts``, ``seed``, ``generator`` ("test.Blank", "test.Repeat" or
    "rest") and, for the last, ``uri``. The token of that address is the environment variable ``REST_API_KEY``.
    """
    from garak import cli

    if words[1:] == ["--check"]:
        return
    folder = Path(words[0])
    with np.load(folder / "in.npz", allow_pickle=False) as file:
        asked = json.loads(str(file["request"]))
    config = folder / "garak.json"  # JSON is YAML
    config.write_text(json.dumps(_config(asked)), "utf-8")
    spec = ",".join(f"probes.{name}" for name in asked["probes"])
    given = ["--config", str(config), "--target_type", asked["generator"], "--spec", spec]
    cli.main([*given, "--report_prefix", str(folder / "garak")])
    (folder / "garak.report.html").unlink(missing_ok=True)
    (folder / "garak.hitlog.jsonl").unlink(missing_ok=True)
    found = {"versions": {name: version(name) for name in _PACKAGES}, "detectors": _own_quality()}
    (folder / "quality.json").write_text(json.dumps(found), "utf-8")


def _config(asked: dict[str, Any]) -> dict[str, Any]:
    rest = {
        "uri": asked.get("uri"),
        "headers": {"Content-Type": "application/json", "Authorization": "Bearer $KEY"},
        "req_template_json_object": {"text": "$INPUT"},
        "response_json": True,
        "response_json_field": "text",
        "request_timeout": 600,
        "skip_codes": [422],
    }
    return {
        "run": {
            "seed": asked["seed"],
            "generations": asked["tries"],
            "soft_probe_prompt_cap": asked["prompts"],
        },
        "plugins": {"generators": {"rest": {"RestGenerator": rest}} if asked["generator"] == "rest" else {}},
    }


def _own_quality() -> dict[str, Any]:
    """Return what garak knows of its detectors: how often each was right where it was tried."""
    from garak.data import path

    text = Path(str(path / "detectors_eval" / "detector_metrics_summary.json")).read_text("utf-8")
    return {name: found["metrics"] for name, found in json.loads(text)["results"].items()}


if __name__ == "__main__":
    main(sys.argv[1:])
