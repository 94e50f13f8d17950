"""Layers: the files of a pack. Public ones hold aggregates; restricted ones everything, encrypted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from auditkit.evidence import jsonable
from auditkit.packing.page import figures_csv, html, table_csv
from auditkit.packing.sealing import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditkit.packing.sealing import Seal
    from auditkit.report import Report

__all__ = ["NOT_PROVED", "REPORT", "public_files", "restricted_files"]

REPORT = "public/report.json"

NOT_PROVED = (
    "who typed the data, or that they are about whom they say",
    "that the numbers are right, or that auditkit computed them",
    "that the clock of the signer was right, or that nothing was tried before",
    "who holds the key, or that the signer read what was signed",
    "that the model under audit is the one in use",
    "that no other report says otherwise",
)
"""What a signature does not prove."""

_RECORDS = ("record", "row", "row_id", "index", "id")
_OF_RECORDS = ("beeswarm", "waterfall", "images")


def public_files(published: Report, *, k: int) -> dict[str, bytes]:
    """Return the public layer: the record, the page and the data of its figures."""
    record = json.dumps(jsonable(published.to_dict()), indent=1, allow_nan=False) + "\n"
    figures = {f"public/figures/{name}": data for name, data in figures_csv(published).items()}
    return {
        "public/README.txt": _readme(k).encode(),
        REPORT: record.encode(),
        "public/report.html": html(published, k=k).encode("utf-8", "backslashreplace"),
        **figures,
    }


def restricted_files(
    report: Report, record: bytes, notebook: bytes | None, seal: Seal, more: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """Return the restricted layer: the full record, the notebook, and tables of records under pseudonyms, each encrypted; and what is filed with them.

    Names say nothing of what is inside: tables are numbered, and an index within says which is which. `record` holds the bytes of the
    report's own file, so that what is opened has the digest by which exports and registers name it.
    """
    plain = {**(more or {}), "report.json": record}
    if notebook is not None:
        plain["report.ipynb"] = notebook
    index: list[dict[str, Any]] = []
    for one in report.evidence:
        for name, table in one.tables.items():
            ids = [column for column in table.columns if column in _RECORDS]
            if ids or table.kind in _OF_RECORDS:
                file = f"tables/{len(index) + 1:04d}.csv"
                index.append({"file": file, "check": one.check, "table": name, "row_ids": ids})
                plain[file] = table_csv(table, change=dict.fromkeys(ids, seal.row_id))
    plain["tables/index.json"] = (json.dumps(index, indent=1) + "\n").encode()
    return {
        path: seal.close(path, content)
        for path, content in ((f"restricted/{name}{SUFFIX}", data) for name, data in sorted(plain.items()))
    }


def _readme(k: int) -> str:
    lines = [
        "Evidence pack of an audit, made by auditkit.",
        "",
        f"public/      aggregates; no number about fewer than {k} records, and none from which one would follow",
        "restricted/  the full report, encrypted, if it is there",
        "manifest.json and signatures/  what the pack holds, and who signed that",
        "",
        "To see whether anything differs: auditkit verify PACK --author-key author.pub --reviewer-key reviewer.pub",
        "",
        "A signature does not prove:",
        *(f"- {what};" for what in NOT_PROVED[:-1]),
        f"- {NOT_PROVED[-1]}.",
        "",
    ]
    return "\n".join(lines)
