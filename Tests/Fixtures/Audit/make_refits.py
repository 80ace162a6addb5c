"""Writes what NumPy and scikit-learn say about attacks and probes that are fitted again to resampled examples.

Of each case there are a few resamples with their values, to be met exactly, and the 95 % percentile interval of many
resamples of another generator, to be met up to chance; `fixed` is the interval if only what is asked about is resampled.

Run from anywhere: python3 make_refits.py
"""

import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.neighbors import NearestCentroid

HERE = Path(__file__).resolve().parent
CLASSES = 4
FORGOTTEN = 2
RESAMPLES = 4000
SHOWN = 6


def counts(random, sizes):
    """How often each example of each kind is drawn, as many times as there are examples of its kind."""
    return [np.bincount(random.integers(size, size=size), minlength=size) for size in sizes]


def regression(members, others):
    model = LogisticRegression(class_weight="balanced", tol=1e-10, max_iter=10000)
    return model.fit(np.concatenate([members, others])[:, None], [1] * len(members) + [0] * len(others))


def case(random, sizes, value, fixed):
    """A few resamples with their values, and intervals of many."""
    shown = [counts(random, sizes) for _ in range(SHOWN)]
    values = [value(counts(random, sizes)) for _ in range(RESAMPLES)]
    alone = [value(fixed(counts(random, sizes))) for _ in range(RESAMPLES // 4)]
    return {
        "counts": shown, "values": [value(draw) for draw in shown],
        "interval": np.quantile(values, [0.025, 0.975]), "fixed": np.quantile(alone, [0.025, 0.975]),
    }


def attack(random):
    """The share of examples in question that a balanced logistic regression calls members."""
    members, others, asked = random.gamma(1, 0.3, 60), random.gamma(1.3, 0.35, 80), random.gamma(1.15, 0.33, 150)

    def share(draw):
        model = regression(np.repeat(members, draw[0]), np.repeat(others, draw[1]))
        return model.predict(np.repeat(asked, draw[2])[:, None]).mean()

    ones = [np.ones(60, int), np.ones(80, int)]
    return {"members": members, "others": others, "asked": asked,
            **case(random, (60, 80, 150), share, lambda draw: [*ones, draw[2]])}


def loss_attack(random):
    """Balanced accuracy by cross-validation, where an example keeps its fold however often it is drawn."""
    members, others = random.gamma(1, 0.5, 70), random.gamma(1.3, 0.6, 50)
    folds = random.permutation(70) % 5, random.permutation(50) % 5

    def accuracy(draw, fitted=None):
        truth, told = [], []
        fitted = draw if fitted is None else fitted
        for fold in range(5):
            learned = [np.repeat(values, np.where(own == fold, 0, count))
                       for values, own, count in zip((members, others), folds, fitted)]
            asked = [np.repeat(values, np.where(own == fold, count, 0))
                     for values, own, count in zip((members, others), folds, draw)]
            truth += [1] * len(asked[0]) + [0] * len(asked[1])
            told += list(regression(*learned).predict(np.concatenate(asked)[:, None]))
        return balanced_accuracy_score(truth, told)

    shown = [counts(random, (70, 50)) for _ in range(SHOWN)]
    values = [accuracy(counts(random, (70, 50))) for _ in range(RESAMPLES // 4)]
    ones = [np.ones(70, int), np.ones(50, int)]
    alone = [accuracy(counts(random, (70, 50)), ones) for _ in range(RESAMPLES // 8)]
    return {"members": members, "others": others, "memberFolds": folds[0], "otherFolds": folds[1],
            "counts": shown, "values": [accuracy(draw) for draw in shown],
            "interval": np.quantile(values, [0.025, 0.975]), "fixed": np.quantile(alone, [0.025, 0.975])}


def features(random, per_class, width=5):
    """Features of some classes in single precision, of which the forgotten one is close to another."""
    centers = np.array([[1, 0, 0, 0, 0], [0, 1.2, 0, 0, 0], [0.7, 0.4, 0.3, 0, 0], [0, 0, 0, 1, 0.5]])
    labels = np.repeat(np.arange(CLASSES), per_class)
    values = np.maximum(centers[labels] + random.normal(0, 0.45, (len(labels), width)), 0)
    return values.astype(np.float32).astype(float), labels


def centroid(random):
    """Recall of the forgotten class by the nearest class mean."""
    training, labels = features(random, 12)
    asked = features(random, 60)[0][FORGOTTEN * 60 : (FORGOTTEN + 1) * 60]

    def recall(draw):
        drawn = np.concatenate(draw[:CLASSES])
        model = NearestCentroid().fit(np.repeat(training, drawn, axis=0), np.repeat(labels, drawn))
        told = model.predict(np.repeat(asked, draw[CLASSES], axis=0))
        return recall_score([FORGOTTEN] * len(told), told, labels=[FORGOTTEN], average="micro")

    ones = [np.ones(12, int)] * CLASSES
    return {"training": training.ravel(), "labels": labels, "asked": asked.ravel(),
            **case(random, [12] * CLASSES + [60], recall, lambda draw: [*ones, draw[CLASSES]])}


def probe(random):
    """Recall of the forgotten class by ridge regression, fitted to groups of one example of each class that are drawn."""
    training, labels = features(random, 40)
    asked = features(random, 60)[0][FORGOTTEN * 60 : (FORGOTTEN + 1) * 60]
    targets = np.eye(CLASSES)[labels]

    def recall(draw):
        # In the order of the classes, the k-th example is in group k modulo 40; each class has 40 examples.
        x, y = (np.repeat(values, np.tile(draw[0], CLASSES), axis=0) for values in (training, targets))
        penalty = 1e-3 * ((x - x.mean(axis=0)) ** 2).sum() / x.shape[1]
        told = Ridge(alpha=penalty).fit(x, y).predict(np.repeat(asked, draw[1], axis=0)).argmax(axis=1)
        return np.mean(told == FORGOTTEN)

    return {"training": training.ravel(), "labels": labels, "asked": asked.ravel(),
            **case(random, (40, 60), recall, lambda draw: [np.ones(40, int), draw[1]])}


def prototype(random):
    """Accuracy of the forgotten class with a row from the mean of ten of its images, over five choices of them."""
    training, labels = features(random, 30)
    asked = features(random, 60)[0][FORGOTTEN * 60 : (FORGOTTEN + 1) * 60]
    weight = random.normal(0, 1, (CLASSES, 5)).astype(np.float32).astype(float)
    bias = random.normal(0, 0.2, CLASSES).astype(np.float32).astype(float)
    retained = [label for label in range(CLASSES) if label != FORGOTTEN]
    means = np.stack([training[labels == label].mean(axis=0) for label in retained])
    # Rows as a trained network has them: each close to its class.
    weight[retained] += 4 * (means - means.mean(axis=0))
    weight = weight.astype(np.float32).astype(float)
    rows = weight[retained]
    level = np.mean([row @ mean + bias[label] for row, mean, label in zip(rows, means, retained)])
    length = np.linalg.norm(rows - rows.mean(axis=0), axis=1).mean()
    members = training[labels == FORGOTTEN]

    def hits(choice):
        example = members[choice].mean(axis=0)
        direction = example - means.mean(axis=0)
        edited, biases = weight.copy(), bias.copy()
        edited[FORGOTTEN] = rows.mean(axis=0) + length * direction / np.linalg.norm(direction)
        biases[FORGOTTEN] = level - edited[FORGOTTEN] @ example
        return (asked @ edited.T + biases).argmax(axis=1) == FORGOTTEN

    def value(choices, draw):
        return np.mean([np.average(hits(choice), weights=draw) for choice in choices])

    def choices():
        return random.integers(30, size=(5, 10))

    shown = [(choices(), counts(random, [60])[0]) for _ in range(SHOWN)]
    values = [value(choices(), counts(random, [60])[0]) for _ in range(RESAMPLES)]
    one = [random.permutation(30)[:10] for _ in range(5)]
    alone = [value(one, counts(random, [60])[0]) for _ in range(RESAMPLES // 4)]
    return {
        "training": training.ravel(), "labels": labels, "asked": asked.ravel(), "weight": weight.ravel(), "bias": bias,
        "choices": [choice for choice, _ in shown], "counts": [[draw] for _, draw in shown],
        "values": [value(choice, draw) for choice, draw in shown],
        "interval": np.quantile(values, [0.025, 0.975]), "fixed": np.quantile(alone, [0.025, 0.975]),
    }


def plain(value):
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (np.ndarray, list, tuple)):
        return [plain(entry) for entry in value]
    return int(value) if isinstance(value, (np.integer, int)) else float(value)


if __name__ == "__main__":
    generator = np.random.default_rng(11)
    content = {"attack": attack(generator), "lossAttack": loss_attack(generator), "centroid": centroid(generator),
               "prototype": prototype(generator), "probe": probe(np.random.default_rng(12))}
    (HERE / "refits.json").write_text(json.dumps(plain(content), separators=(",", ":")) + "\n")
    for name, result in content.items():
        print(name, result["values"], result["interval"], result["fixed"])
