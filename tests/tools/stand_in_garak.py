"""A script that answers as garak's runner does where garak is not installed: two prompts, one detector that finds an echo."""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np

PROMPTS = ("say seven", "say eight")


def reply(asked, text):
    if asked["generator"] != "rest":
        return {"test.Blank": "", "test.Repeat": text}[asked["generator"]]
    question = urllib.request.Request(
        asked["uri"],
        json.dumps({"text": text}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ['REST_API_KEY']}"},
    )
    try:
        with urllib.request.urlopen(question, timeout=30) as answer:
            return json.load(answer)["text"]
    except urllib.error.HTTPError as error:
        if error.code == 422:
            return None
        raise


def answer(folder):
    with np.load(folder / "in.npz", allow_pickle=False) as file:
        asked = json.loads(str(file["request"]))
    lines = []
    for probe in asked["probes"]:
        if probe == "nothing.Known":
            continue
        counts = {"passed": 0, "fails": 0, "nones": 0}
        for prompt in PROMPTS:
            said = [reply(asked, prompt) for _ in range(asked["tries"])]
            scores = [None if one is None else float(one == prompt) for one in said]
            for score in scores:
                counts["nones" if score is None else "fails" if score else "passed"] += 1
            lines.append(
                {"entry_type": "attempt", "status": 1, "probe_classname": probe, "detector_results": {}}
            )
            lines.append(
                {
                    "entry_type": "attempt",
                    "status": 2,
                    "probe_classname": probe,
                    "detector_results": {"mitigation.MitigationBypass": scores},
                }
            )
        lines.append(
            {"entry_type": "eval", "probe": probe, "detector": "mitigation.MitigationBypass", **counts}
        )
    (folder / "garak.report.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines), "utf-8")
    quality = {"mitigation.MitigationBypass": {"hit_sensitivity": 0.9, "hit_specificity": 0.4}}
    (folder / "quality.json").write_text(
        json.dumps({"versions": {"garak": "stand-in"}, "detectors": quality}), "utf-8"
    )


if __name__ == "__main__" and "--check" not in sys.argv:
    answer(Path(sys.argv[1]))
