"""Ties: whether the documents of the file speak of one model, one report, one pack and one table."""

import hashlib
import json
import sys
from pathlib import Path

import auditkit as ak


def sha256(path):
    """Return the digest of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def read(path):
    """Return what a JSON file holds."""
    return json.loads(Path(path).read_text("utf-8"))


audit, data = read("reports/adult/report.json"), read("reports/data/report.json")
bom, entry = (
    read("exports/bom.cdx.json"),
    json.loads(Path("register.jsonl").read_text("utf-8").splitlines()[-1])["entry"],
)
again, trend = read("incident/report/report.json"), read("trend/trend.json")
frozen = {one["role"]: one["sha256"] for one in read("incident/freeze/manifest.json")["files"]}
forms = "".join(json.dumps(form["answers"]) for form in audit["forms"])
in_bom = {
    one["content"]
    for part in [bom["metadata"]["component"], *bom["components"]]
    for one in part.get("hashes", ())
}

model = sha256("adult/adult.skops")
ties = {
    "the model: its file, the audit": audit["subject"]["model"]["digest"] == model,
    "the model: what people signed": model in forms,
    "the model: the bill of materials": model in in_bom,
    "the model: the register": entry["model"]["digest"] == model,
    "the model: the monitor's release": [one["digest"] for one in trend["releases"]] == [model],
    "the model: what was frozen, and audited again": frozen["model.path"] == again["subject"]["model"]["digest"] == model,
    "the report: the register": entry["audit"]["report"] == sha256("reports/adult/report.json"),
    "the report: what the pack holds sealed": sha256("opened/report.json") == sha256("reports/adult/report.json"),
    "the pack: the register": entry["pack"]["digest"] == sha256("pack/manifest.json"),
    "the training rows, as a file: data audit, what was frozen": data["subject"]["parts"]["records"] == frozen["data.train.path"] == sha256("adult/train.parquet"),
    "the training rows, by their values: audit, what that file holds": audit["subject"]["train"]["digest"] == ak.load_subject("adult/adult.toml").train.digest,
    "the policy: the audit, and what was audited again": audit["provenance"]["policy"]["digest"] == again["provenance"]["policy"]["digest"],
}  # fmt: skip
for what, holds in ties.items():
    sys.stdout.write(f"{'holds  ' if holds else 'DIFFERS'} {what}\n")
raise SystemExit(0 if all(ties.values()) else 1)
