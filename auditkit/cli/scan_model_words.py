"""Words of `scan model`: the last lines, how many files may be opened, and what to do about those that may not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from auditkit.reading import name_shown
from auditkit.scanning.artifacts.kinds import LFS_POINTER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.cli.scan_model_files import Chosen
    from auditkit.scanning.artifacts import Scan
    from auditkit.targets.artifact import ModelFile

__all__ = ["counts", "cure", "ending"]

_NAMED = 5  # files, and types, that are named in a line
_PLAIN = (
    "ask for the model saved as skops, ONNX or safetensors, or as LightGBM's or XGBoost's own text or JSON"
)
_PAGE = "docs/models_from_files.md says what each rule means."


def counts(chosen: Chosen) -> dict[str, int]:
    """Return how many files may be opened, are refused, were skipped and left out."""
    refused = sum(one.scan.trust == "refused" for one in chosen.files)
    return {
        "may_be_opened": len(chosen.files) - refused,
        "refused": refused,
        "skipped": len(chosen.skipped),
        "left_out": chosen.left_out,
    }


def ending(chosen: Chosen) -> list[str]:
    """Return the lines after the last file."""
    many = counts(chosen)
    said = [f"{many['may_be_opened']} may be opened, {many['refused']} refused, {many['skipped']} skipped."]
    if chosen.skipped:
        are = "file that is no model was" if len(chosen.skipped) == 1 else "files that are no models were"
        said.append(f"{len(chosen.skipped)} {are} skipped: {_few(chosen.skipped)}.")
    if chosen.left_out:
        said.append(f"{chosen.left_out} left out by --include or --exclude.")
    cures: dict[str, list[ModelFile]] = {}
    for one in chosen.files:
        if one.scan.trust == "refused":
            cures.setdefault(cure(one.scan), []).append(one)
    said += [
        f"What to do about {_few([one.name for one in those])}: {what}." for what, those in cures.items()
    ]
    return [*said, _PAGE] if cures else said


def cure(scan: Scan) -> str:
    """Return what a reader can do about a file that is refused."""
    rules = {one.rule for one in scan.troubles}
    if scan.harmful:
        few = ", ".join(scan.harmful[:_NAMED])
        return f"do not open it: it asks for {few}, by which programs are run or files reached. Ask where it comes from, and {_PLAIN}"
    if scan.holds_module:
        return (
            'ask for its state_dict, without the module: torch.save(model.state_dict(), "weights.pt"), or '
            'safetensors.torch.save_file(model.state_dict(), "weights.safetensors")'
        )
    if rules == {"skops-type"}:
        types = ", ".join(map(json.dumps, scan.unlisted[:_NAMED]))
        more = f" and {len(scan.unlisted) - _NAMED} more" if len(scan.unlisted) > _NAMED else ""
        return f"look at these types, and if they are your own list them under [model] in the subject file: trusted = [{types}]{more}"
    if rules == {"pickle-global"} and scan.kind in ("pickle", "joblib"):
        return (
            'ask for it as skops: skops.io.dump(model, "model.skops"). If it is your own and you trust all of it, pin it under [model] in the subject file: '
            f'sha256 = "{scan.digest}"'
        )
    if scan.kind.startswith(("an HDF5", "a Keras")):
        return "auditkit opens no Keras models: ask for the model as ONNX"
    if scan.kind == LFS_POINTER:
        return "run git lfs pull in the repository it comes from, and scan the file again"
    if rules == {"format"}:
        unknown = (
            "if it is no model, leave it out with --exclude; else " if "unknown kind" in scan.kind else ""
        )
        return f"{unknown}{_PLAIN}"
    return f"do not open it as it is; {_PLAIN}"


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(name_shown, names[:_NAMED])) + more
