"""Digest: write into the forms which model they are about, as the report of its audit tells it."""

from pathlib import Path

import auditkit as ak

digest = ak.load_report("reports/adult/report.json").subject["model"]["digest"]
for form in Path("forms").glob("*.toml"):
    form.write_text(form.read_text("utf-8").replace("MODEL_DIGEST", digest), "utf-8")
