"""Catalogue: the external programs auditkit knows how to run."""

from __future__ import annotations

from pathlib import Path

from auditkit.errors import InputError, did_you_mean
from auditkit.tools.tool import Limits, Tool

__all__ = ["GARAK", "PRIVACY_METER", "TOOLS", "find_tool"]

PRIVACY_METER = Tool(
    name="privacy-meter",
    what="Membership inference by the National University of Singapore: population, reference and shadow audits",
    distribution="privacy-meter",
    version="1.0.1",
    # it declares no dependencies; these are what its modules import, in releases it was seen to run with
    requirements=(
        "privacy-meter==1.0.1",
        "numpy==2.4.6",
        "opacus==1.6.0",
        "scikit-learn==1.9.1",
        "scipy==1.17.1",
        "tensorflow==2.21.0",
        "torch==2.13.0",
    ),
    pythons=((3, 11), (3, 14)),
    licence="MIT",
    size="3.2 GB with a processor-only build of torch; more where the index gives one for graphics cards",
    script=Path(__file__).with_name("privacy_meter_runner.py"),
    outputs=("figures.json", "decisions.npz"),
    environment=(("CUDA_VISIBLE_DEVICES", ""), ("TF_CPP_MIN_LOG_LEVEL", "3"), ("TF_ENABLE_ONEDNN_OPTS", "0")),
    limits=Limits(seconds=900.0, memory=8 * 2**30, output=2**30),
    check="privacy_meter",
)

GARAK = Tool(
    name="garak",
    what="Probes of language models by NVIDIA: prompts, detectors, and a report of what passed",
    distribution="garak",
    version="0.17.1",
    requirements=("garak==0.17.1", "torch==2.13.0"),
    pythons=((3, 11), (3, 14)),
    licence="Apache-2.0",
    size="2.1 GB with a processor-only build of torch; more where the index gives one for graphics cards",
    script=Path(__file__).with_name("garak_runner.py"),
    outputs=("garak.report.jsonl", "quality.json"),
    environment=(
        ("CUDA_VISIBLE_DEVICES", ""),
        ("HF_HUB_OFFLINE", "1"),
        ("TRANSFORMERS_OFFLINE", "1"),
        ("TOKENIZERS_PARALLELISM", "false"),
    ),
    from_source=("ecoji", "langdetect"),
    limits=Limits(seconds=3600.0, memory=8 * 2**30, output=2**30),
    check="garak_probes",
)

TOOLS: tuple[Tool, ...] = (PRIVACY_METER, GARAK)


def find_tool(name: str) -> Tool:
    """Return the tool of this name.

    Raises
    ------
    InputError
        If there is none; the message names the closest.
    """
    found = {tool.name: tool for tool in TOOLS}
    if name not in found:
        raise InputError(f"no tool named {name!r}.{did_you_mean(name, found)}")
    return found[name]
