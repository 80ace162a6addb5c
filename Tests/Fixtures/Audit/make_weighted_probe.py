"""Writes what scikit-learn says of a linear probe whose examples of one class were drawn more often than the others.

A data set has 50 classes of equal sizes. A tenth of the examples that were drawn are of one of them, as an audit draws
those of a forgotten class. The weights are each class's share of the data set divided by that of the drawn examples. `population` is the
recall by a probe that was fitted to the whole data set, which the weighted probe estimates and the plain one does not.

Run from anywhere: python3 make_weighted_probe.py
"""

import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import Ridge

HERE = Path(__file__).resolve().parent
CLASSES, FORGOTTEN, WIDTH = 50, 7, 10
GROUPS = 40


def features(random, centers, counts):
    """Features in single precision with two digits, rows by class."""
    labels = np.repeat(np.arange(CLASSES), counts)
    return np.round(centers[labels] + random.normal(0, 0.6, (len(labels), WIDTH)), 2).astype(np.float32), labels


def probe(x, labels, weights):
    x, y = x.astype(float), np.eye(CLASSES)[labels]
    penalty = 1e-3 * (weights[:, None] * (x - np.average(x, axis=0, weights=weights)) ** 2).sum() / x.shape[1]
    return Ridge(alpha=penalty, solver="cholesky").fit(x, y, sample_weight=weights)


def recall(model, asked):
    return float((model.predict(asked.astype(float)).argmax(axis=1) == FORGOTTEN).mean())


def unbalanced():
    random = np.random.default_rng(21)
    centers = np.maximum(random.normal(0, 1.2, (CLASSES, WIDTH)), 0)
    drawn = np.where(np.arange(CLASSES) == FORGOTTEN, 60, 11)
    whole, whole_labels = features(random, centers, np.full(CLASSES, 1000))
    x, labels = features(random, centers, drawn)
    weights = 1 / CLASSES / (drawn / drawn.sum())[labels]
    asked = features(random, centers, np.where(np.arange(CLASSES) == FORGOTTEN, 200, 0))[0]
    weighted, plain = probe(x, labels, weights), probe(x, labels, np.ones(len(labels)))
    # In the order of the classes, the k-th example is in group k modulo GROUPS.
    group = np.arange(len(labels)) % GROUPS
    draws = [(np.bincount(random.integers(GROUPS, size=GROUPS), minlength=GROUPS),
              np.bincount(random.integers(len(asked), size=len(asked)), minlength=len(asked))) for _ in range(4)]
    values = []
    for groups, examples in draws:
        times = groups[group]
        model = probe(np.repeat(x, times, axis=0), np.repeat(labels, times), np.repeat(weights, times))
        values.append(recall(model, np.repeat(asked, examples, axis=0)))
    return {"training": x.ravel(), "labels": labels, "weights": weights, "asked": asked.ravel(),
            "scores": weighted.predict(asked[:5].astype(float)).ravel(), "weighted": recall(weighted, asked),
            "plain": recall(plain, asked), "population": recall(probe(whole, whole_labels, np.ones(len(whole))), asked),
            "draws": [[groups, examples] for groups, examples in draws], "values": values}


def wide():
    """Fewer examples than features."""
    random = np.random.default_rng(22)
    labels = np.arange(10) % 3
    x = np.round(random.normal(0, 1, (10, 25)) + labels[:, None], 2).astype(np.float32)
    weights = random.uniform(0.1, 3, 10)
    return {"training": x.ravel(), "labels": labels, "weights": weights,
            "scores": probe(x, labels, weights).predict(x.astype(float))[:, :3].ravel()}


def plain(value):
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (np.ndarray, list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, np.float32):
        return round(float(value), 2)
    return int(value) if isinstance(value, np.integer) else float(value)


if __name__ == "__main__":
    content = {"unbalanced": unbalanced(), "wide": wide()}
    (HERE / "weighted_probe.json").write_text(json.dumps(plain(content), separators=(",", ":")) + "\n")
    print({name: content["unbalanced"][name] for name in ("weighted", "plain", "population", "values")})
