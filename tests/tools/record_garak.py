"""Record what garak says of models made here: python tests/tools/record_garak.py, once it is installed.

Three runs lie in recorded/garak/: a model that repeats what it is told (garak's own, and the same as a callable served to it), and one that declines
whatever it is asked. Of the report only what is read is kept: prompts and replies, the settings and the cache of plug-ins are left out.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np

from auditkit.tools.catalogue import GARAK
from auditkit.tools.run import ask
from auditkit.tools.serving import served

RECORDED = Path(__file__).parent / "recorded" / "garak"
PROBES = (
    "encoding.InjectBase64",
    "goodside.Tag",
    "web_injection.MarkdownXSS",
    "dan.AntiDAN",
    "promptinject.HijackLongPrompt",
)
MODELS = {
    "repeat": "test.Repeat",
    "echo": lambda text: text,
    "refusing": lambda _text: "I'm sorry, but I can't help with that.",
}
TRIES, PROMPTS, SEED = 2, 20, 7
KEPT = {
    "init": ("entry_type", "garak_version"),
    "attempt": ("entry_type", "seq", "status", "probe_classname", "detector_results"),
    "eval": (
        "entry_type",
        "probe",
        "detector",
        "passed",
        "fails",
        "nones",
        "total_evaluated",
        "total_processed",
    ),
    "completion": ("entry_type",),
}


def trimmed(report):
    """The lines that are read, with the keys that are read."""
    for line in report.read_text("utf-8").splitlines():
        entry = json.loads(line)
        if (keys := KEPT.get(entry["entry_type"])) and entry.get("status") != 1:
            yield json.dumps({key: entry[key] for key in keys if key in entry})


def record(run, folder, home=None):
    """Let garak probe a model, and keep what its runner left."""
    folder.mkdir(parents=True, exist_ok=True)
    asked = {"probes": list(PROBES), "tries": TRIES, "prompts": PROMPTS, "seed": SEED}

    def keep(made):
        lines = "".join(f"{line}\n" for line in trimmed(made / "garak.report.jsonl"))
        (folder / "garak.report.jsonl").write_text(lines, "utf-8")
        shutil.copyfile(made / "quality.json", folder / "quality.json")

    def put(more, **how):
        ask(GARAK, {"request": np.array(json.dumps(asked | more))}, keep, home=home, **how)

    model = MODELS[run]
    if isinstance(model, str):
        put({"generator": model})
        return
    with served(model) as place:
        put(
            {"generator": "rest", "uri": place.uri},
            reach=place.address,
            secrets={"REST_API_KEY": place.token},
        )


if __name__ == "__main__":
    for one in MODELS:
        record(one, RECORDED / one, *sys.argv[1:2])
