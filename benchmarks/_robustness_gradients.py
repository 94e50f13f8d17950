"""What gradient attacks cost and find, beside a hand-written loop, on the digits of scikit-learn and a small convolutional net.

``pgd_part`` times, in processor seconds of one thread, `evasion.pgd` against a loop in plain torch of the same steps, restarts and batch, in pairs within one run, and gives
their ratio; both take every step for every row. ``found_part`` counts what PGD, APGD and the ensemble flip with the same gradients.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import torch
from sklearn.datasets import load_digits
from torch import nn

from auditkit.methods import evasion
from auditkit.methods.feature_space import FeatureSpace
from auditkit.predictors import from_torch

RADIUS, STEPS, RESTARTS = 0.15, 40, 2


def digits(width=16, epochs=40):
    """Return a trained net, and test rows with pixels from 0 to 1."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(width * 16, 10),
    )  # fmt: skip
    rows, labels = torch.tensor(X[:1200]).reshape(-1, 1, 8, 8), torch.tensor(y[:1200])
    step = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(epochs):
        for part in torch.randperm(1200).split(100):
            step.zero_grad()
            nn.functional.cross_entropy(net(rows[part]), labels[part]).backward()
            step.step()
    return net.eval(), X[1200:].astype(float), y[1200:]


def bound(net, X):
    """Return the net as auditkit holds it around rows, their labels, and a space of pixels from 0 to 1."""
    d = X.shape[1]
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(d)])
    model = from_torch(net, classes=list(range(10)), output="logits", shape=(1, 8, 8))
    one = np.ones(d)
    space = FeatureSpace(
        tuple(frame.columns), ("continuous",) * d, 0 * one, one, 0 * one, 0 * one, one == 1, 0 * one, one
    )
    return model.differentiable(frame, list(frame.columns)), model.predict(frame), space


def by_hand(net, rows, labels, steps, restarts, seed):
    """Return PGD as one would write it in torch: flips of each row, kept over restarts."""
    torch.manual_seed(seed)
    length, best, flipped = 2.5 * RADIUS / steps, rows.clone(), torch.zeros(len(rows), dtype=torch.bool)
    for _ in range(restarts):
        x = (rows + torch.empty_like(rows).uniform_(-RADIUS, RADIUS)).clamp(0, 1)
        for _ in range(steps):
            x.requires_grad_()
            loss = nn.functional.cross_entropy(net(x), labels)
            (slope,) = torch.autograd.grad(loss, x)
            x = x.detach() + length * slope.sign()
            x = torch.minimum(torch.maximum(x, rows - RADIUS), rows + RADIUS).clamp(0, 1)
        with torch.no_grad():
            hit = net(x).argmax(dim=1) != labels
        best[hit], flipped = x[hit], flipped | hit
    return flipped.numpy()


def pgd_part(rows, rounds, width):
    """Time both loops in pairs, in turn; every row takes every step in both."""
    torch.set_num_threads(1)
    net, X, _ = digits(width, epochs=5)
    X = np.resize(X, (rows, X.shape[1]))
    model, y, space = bound(net, X)
    plain, labels = torch.tensor(X, dtype=torch.float32).reshape(-1, 1, 8, 8), torch.tensor(y)
    ours, theirs, shares = [], [], []
    for turn in range(rounds + 1):
        begin = time.process_time()
        # one restart at a time, for a second leaves rows out that the first flipped, and the loop by hand does not
        found = [
            evasion.pgd(
                model, X, y, space, RADIUS, rng=np.random.default_rng(turn + r), steps=STEPS, stop_early=False
            )
            for r in range(RESTARTS)
        ]
        middle = time.process_time()
        hand = by_hand(net, plain, labels, STEPS, RESTARTS, turn)
        end = time.process_time()
        begin_early = time.process_time()
        evasion.pgd(
            model, X, y, space, RADIUS, rng=np.random.default_rng(turn), steps=STEPS, restarts=RESTARTS
        )
        early = time.process_time() - begin_early
        if turn:  # the first warms up
            ours.append(middle - begin)
            theirs.append(end - middle)
            shares.append((found[0].success | found[1].success).mean() - hand.mean())
    ratios = np.array(ours) / np.array(theirs)
    return {
        "part": "pgd", "rows": rows, "width": width, "steps": STEPS, "restarts": RESTARTS, "rounds": rounds,
        "ratio": float(np.median(ratios)), "ratio_low": float(ratios.min()), "ratio_high": float(ratios.max()),
        "seconds": float(np.median(ours)), "seconds_by_hand": float(np.median(theirs)),
        "stopping_early_ratio": float(early / np.median(theirs)),
        "more_flipped": float(np.mean(shares)),
    }  # fmt: skip


def found_part(rows):
    """Count flips by PGD, APGD and the ensemble; gradients a row are about the same."""
    net, X, _ = digits()
    X = X[:rows]
    model, y, space = bound(net, X)
    lines = []
    for norm, radii in (("linf", (0.1, 0.15, 0.2)), ("l2", (0.5, 0.8, 1.1))):
        for radius in radii:
            shared = {"norm": norm, "rng": np.random.default_rng(0)}
            made = {
                "FGSM": evasion.fgsm(model, X, y, space, radius, norm=norm),
                "PGD, 100 steps": evasion.pgd(model, X, y, space, radius, steps=100, **shared),
                "APGD, ce": evasion.apgd(model, X, y, space, radius, steps=100, **shared),
                "APGD, dlr": evasion.apgd(model, X, y, space, radius, steps=100, loss="dlr", **shared),
                "ensemble": evasion.ensemble(model, X, y, space, radius, steps=100, **shared)[0],
            }
            lines += [
                {"part": "found", "norm": norm, "radius": radius, "attack": name, "rows": rows,
                 "flipped": float(one.success.mean()), "gradients_a_row": float(one.gradients.mean())}
                for name, one in made.items()
            ]  # fmt: skip
    return lines


def cells_of(lines):
    """Return header and cells of each table, by its title."""
    pgd = [one for one in lines if one["part"] == "pgd"]
    found = [one for one in lines if one["part"] == "found"]
    out = {}
    if pgd:
        header = [
            "channels",
            "rows",
            "steps",
            "restarts",
            "processor time, auditkit's over the loop's [least, most]",
            "stopping early",
            "rounds",
        ]
        out["PGD beside a loop written by hand"] = header, [
            [str(one["width"]), str(one["rows"]), str(one["steps"]), str(one["restarts"]),
             f"{one['ratio']:.2f} [{one['ratio_low']:.2f}, {one['ratio_high']:.2f}]", f"{one['stopping_early_ratio']:.2f}", str(one["rounds"])]
            for one in pgd
        ]  # fmt: skip
    if found:
        header = ["norm", "radius", "attack", "rows", "flipped", "gradients a row"]
        out["What gradient attacks flip"] = header, [
            [one["norm"], f"{one['radius']:g}", one["attack"], str(one["rows"]), f"{100 * one['flipped']:.1f}%", f"{one['gradients_a_row']:.0f}"]
            for one in found
        ]  # fmt: skip
    return out
