"""Bill of materials: what an audited model was made of and judged with, as CycloneDX, from a saved report."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any

from auditkit.errors import needs
from auditkit.exports.source import SPACE, Source
from auditkit.render.text import finite

if TYPE_CHECKING:
    from cyclonedx.model.component import Component

    from auditkit.report import Report

__all__ = ["bill_of_materials", "hold_to_schema", "text_of"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SPLITS = {"test": "rows the model was judged on", "train": "rows the model was trained on"}


def bill_of_materials(report: Report | Source) -> bytes:
    """Return the bill of materials of an audited model: CycloneDX 1.6 in JSON, held to its schema before it is returned.

    The model is a component of type "machine-learning-model" with a model card: its task, its data, and those performance figures of the report that
    are about all records. Data are components of type "data", without names of columns; libraries are those whose versions the report tells. The same
    report gives the same bytes.

    Parameters
    ----------
    report : Report or Source
        Of a model.

    Raises
    ------
    InputError
        If the report is of something else than a model or does not say when it was made, or ``cyclonedx-python-lib`` is not installed.

    References
    ----------
    CycloneDX 1.6 (ECMA-424), machine-learning bill of materials.
    """
    source = Source.of(report)
    source.hold(("model",), "a bill of materials")
    data = source.data
    subject = data["subject"]
    try:
        from cyclonedx.model.bom import Bom, BomMetaData
        from cyclonedx.model.component import Component, ComponentType
        from cyclonedx.model.tool import ToolRepository
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError:
        raise needs("cyclonedx-python-lib", "bom", "a bill of materials") from None
    model = _model(subject)
    sets = [_data(name, subject[name]) for name in _SPLITS if subject.get(name)]
    libraries = _libraries(data["provenance"])
    tool = Component(
        name="auditkit",
        version=str(data["provenance"].get("auditkit", "")),
        type=ComponentType.APPLICATION,
        bom_ref="tool:auditkit",
    )
    bom = Bom(
        components=[*sets, *libraries],
        metadata=BomMetaData(
            component=model,
            tools=ToolRepository(components=[tool]),
            timestamp=source.dated("a bill of materials"),
        ),
        serial_number=uuid.uuid5(SPACE, json.dumps(data, sort_keys=True)),
    )
    bom.register_dependency(model, [*sets, *libraries])
    made = json.loads(JsonV1Dot6(bom).output_as_string())
    made["metadata"]["component"]["modelCard"] = _card(data, [str(one.bom_ref.value) for one in sets])
    return text_of(made, "bill of materials")


def _model(subject: dict[str, Any]) -> Component:
    from cyclonedx.model.component import Component, ComponentType

    model = subject["model"]
    of = "the model in memory" if model.get("trust") == "live object" else "the file it was loaded from"
    return Component(
        name=str(subject["name"]), type=ComponentType.MACHINE_LEARNING_MODEL, bom_ref="model", description=_clean(model.get("kind", "")),
        hashes=_hashes(model.get("digest")), properties=_properties({"digest-of": of, "trust": model.get("trust", ""), "task": subject.get("task", "")}),
    )  # fmt: skip


def _data(name: str, split: dict[str, Any]) -> Component:
    from cyclonedx.model.component import Component, ComponentType

    return Component(
        name=f"{name} rows", type=ComponentType.DATA, bom_ref=f"data:{name}", description=_SPLITS[name], hashes=_hashes(split.get("digest")),
        properties=_properties({"digest-of": "values, names and types of the columns", "rows": split.get("rows", ""), "columns": len(split.get("columns", ()))}),
    )  # fmt: skip


def _libraries(provenance: dict[str, Any]) -> list[Component]:
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    found = []
    for name, version in sorted(dict(provenance.get("versions", {})).items()):
        if name == "python":
            found.append(
                Component(
                    name="python",
                    version=str(version),
                    type=ComponentType.PLATFORM,
                    bom_ref="platform:python",
                )
            )
        elif version:
            purl = PackageURL("pypi", None, str(name).casefold(), str(version))
            found.append(
                Component(
                    name=str(name),
                    version=str(version),
                    type=ComponentType.LIBRARY,
                    bom_ref=f"library:{name}",
                    purl=purl,
                )
            )
    return found


def _card(data: dict[str, Any], sets: list[str]) -> dict[str, Any]:
    """Return the model card: the task, the data by reference, and performance over all records with its interval."""
    dimension = {one["code"]: one["dimension"] for one in data["provenance"].get("plan", ())}
    figures = []
    for evidence in data["evidence"]:
        for m in evidence["measurements"] if dimension.get(evidence["check"]) == "performance" else ():
            if m.get("group") is None and finite(m.get("value")) is not None:
                ends = m.get("interval")
                bounds = (
                    {}
                    if ends is None
                    else {
                        "confidenceInterval": {
                            "lowerBound": str(ends["low"]),
                            "upperBound": str(ends["high"]),
                        }
                    }
                )
                figures.append({"type": m["metric"], "value": str(m["value"]), **bounds})
    card: dict[str, Any] = {"modelParameters": {"datasets": [{"ref": one} for one in sets]}}
    if data["subject"].get("task"):
        card["modelParameters"]["task"] = str(data["subject"]["task"])
    if figures:
        card["quantitativeAnalysis"] = {"performanceMetrics": figures}
    return card


def _hashes(digest: Any) -> list[Any]:
    from cyclonedx.model import HashAlgorithm, HashType

    good = isinstance(digest, str) and _SHA256.fullmatch(digest)
    return [HashType(alg=HashAlgorithm.SHA_256, content=digest)] if good else []


def _properties(said: dict[str, Any]) -> list[Any]:
    from cyclonedx.model import Property

    return [
        Property(name=f"auditkit:{name}", value=_clean(value)) for name, value in said.items() if value != ""
    ]


def _clean(value: Any) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", str(value))[:500]


def text_of(made: dict[str, Any], what: str) -> bytes:
    """Return a document of CycloneDX as its file, after holding it to the schema.

    Parameters
    ----------
    made : dict
        The document.
    what : str
        What it is, in words: "bill of materials".
    """
    text = json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    hold_to_schema(text, what)
    return text.encode("utf-8", "backslashreplace")


def hold_to_schema(text: str, what: str) -> None:
    """Hold a document to the schema, where the validator is installed; what does not fit it is a mistake of auditkit's own."""
    from cyclonedx.exception import MissingOptionalDependencyException
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    try:
        wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    except MissingOptionalDependencyException:
        return
    if wrong is not None:
        raise ValueError(f"the {what} does not fit the schema of CycloneDX 1.6: {wrong}")
