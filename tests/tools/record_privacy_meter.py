"""Record what Privacy Meter says of losses drawn here: python tests/tools/record_privacy_meter.py, once it is installed.

Three runs lie in recorded/: members whose losses are lower, under the linear and the Gaussian test function, and no
leak at all.
"""

import shutil
import sys
from pathlib import Path

import numpy as np

from auditkit.tools.catalogue import PRIVACY_METER
from auditkit.tools.privacy_meter import AUDITS
from auditkit.tools.run import ask

RECORDED = Path(__file__).parent / "recorded"
RUNS = {
    "leak_linear": (0.8, "linear_itp_threshold_func"),
    "leak_gaussian": (0.8, "gaussian_threshold_func"),
    "no_leak_linear": (0.0, "linear_itp_threshold_func"),
}


def losses(leak, *, n=120, m=100, k=8, seed=7):
    """Losses of records of differing difficulty; a model that saw a record has `leak` less of its logarithm."""
    rng = np.random.default_rng(seed)
    members = np.repeat([True, False], n)
    masks = np.zeros((k, 2 * n), dtype=bool)
    for i in range(0, k, 2):
        masks[i] = rng.permutation(members)
        masks[i + 1] = ~masks[i]
    hard = rng.normal(size=2 * n)
    target = np.exp(hard - leak * members + 0.5 * rng.normal(size=2 * n))
    references = np.exp(hard - leak * masks + 0.5 * rng.normal(size=(k, 2 * n)))
    population = np.exp(rng.normal(size=m) + 0.5 * rng.normal(size=m))
    return {
        "target": target,
        "members": members,
        "population": population,
        "references": references,
        "masks": masks,
    }


def given(run):
    leak, threshold = RUNS[run]
    return losses(leak) | {"audits": np.array(AUDITS), "threshold": np.array(threshold)}


def record(run, folder, home=None):
    """Run Privacy Meter on `run` and keep what its runner wrote."""
    folder.mkdir(parents=True, exist_ok=True)

    def keep(made):
        for name in PRIVACY_METER.outputs:
            shutil.copyfile(made / name, folder / name)

    ask(PRIVACY_METER, given(run), keep, home=home)


if __name__ == "__main__":
    for one in RUNS:
        record(one, RECORDED / one, *sys.argv[1:2])
