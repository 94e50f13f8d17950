"""Privacy Meter's audits under its linear and Gaussian test functions, written from what they are said to do.

A second way to the same numbers, and a script that answers as the real one does where that is not installed.
"""

import json
import sys
from pathlib import Path

import numpy as np

ASKED = np.logspace(-5, 0, 100)


def thresholds(losses, asked, kind):
    """Thresholds (t, n) off losses (n, k) of non-members, one row a record."""
    if kind == "gaussian":
        from scipy.stats import norm

        # off one population a low quantile, off several models of a record a high one: that is the inversion
        level = asked if len(losses) == 1 else 1 - asked
        return norm.ppf(level[:, None], loc=losses.mean(axis=1), scale=losses.std(axis=1))
    inner = np.quantile(losses, asked[1:-1], axis=1)
    ends = np.full(len(losses), losses.min() - 1e-4), np.full(len(losses), losses.max() + 1e-4)
    return np.vstack([ends[0], inner, ends[1]])


def decide(name, given, kind):
    """Decisions (t, n)."""
    if name == "population":
        return given["target"] < thresholds(given["population"][None], ASKED, kind)
    out = np.stack([of[~mask] for of, mask in zip(given["references"].T, given["masks"].T, strict=True)])
    return given["target"] < thresholds(out, ASKED, kind)


def shadow(given):
    """Probability that a loss is that of a member: a balanced logistic regression on the reference models' losses."""
    from sklearn.linear_model import LogisticRegression

    x, y = given["references"].ravel()[:, None], given["masks"].ravel()
    weight = {False: y.sum(), True: (~y).sum()}
    order = np.argsort(~y, kind="stable")
    fitted = LogisticRegression(class_weight=weight).fit(x[order], y[order])
    return fitted.predict_proba(given["target"][:, None])[:, 1]


def figures(name, decisions, members, auc, asked):
    inside, outside = decisions[:, members], decisions[:, ~members]
    return {
        "named": "reference_metric" if name == "population" else f"{name}_metric",
        "auc": auc,
        "accuracy": (decisions == members).mean(axis=1).tolist(),
        "asked": list(asked),
        "tp": inside.sum(axis=1).tolist(),
        "fp": outside.sum(axis=1).tolist(),
        "tn": (~outside).sum(axis=1).tolist(),
        "fn": (~inside).sum(axis=1).tolist(),
    }


def area(decisions, members):
    """The trapezoids between the points tried, whichever way they run."""
    fpr, tpr = decisions[:, ~members].mean(axis=1), decisions[:, members].mean(axis=1)
    return float(abs(np.sum((tpr[1:] + tpr[:-1]) / 2 * np.diff(fpr))))


def answer(folder):
    with np.load(folder / "in.npz", allow_pickle=False) as file:
        given = {name: file[name] for name in file.files}
    kind = str(given["threshold"]).partition("_")[0]
    said, arrays = {}, {}
    for name in given["audits"].tolist():
        if name == "shadow":
            arrays["shadow_score"] = shadow(given)
            arrays[name] = (arrays["shadow_score"] > 0.5)[None]
            said[name] = figures(name, arrays[name], given["members"], 0.5, [])
        else:
            arrays[name] = decide(name, given, kind)
            auc = area(arrays[name], given["members"])
            said[name] = figures(name, arrays[name], given["members"], auc, ASKED.tolist())
    text = json.dumps({"versions": {"privacy-meter": "stand-in"}, "audits": said})
    (folder / "figures.json").write_text(text, "utf-8")
    np.savez(folder / "decisions.npz", **arrays)


if __name__ == "__main__" and "--check" not in sys.argv:
    answer(Path(sys.argv[1]))
