"""Writes what scikit-learn, SciPy and PyTorch say about an audit's measures of outputs, membership and relearning.

Run from anywhere: python3 make_fixtures.py
"""

import json
from pathlib import Path

import numpy as np
import torch
from scipy import stats
from scipy.spatial.distance import jensenshannon
from scipy.special import log_softmax, logsumexp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, recall_score, roc_auc_score, roc_curve
from sklearn.model_selection import PredefinedSplit, cross_val_predict

HERE = Path(__file__).resolve().parent
CLASSES = 5
EXAMPLES = 60
FORGOTTEN = 2


def plain(value):
    """Numbers and lists of numbers as JSON has them; floats keep every digit."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (np.ndarray, list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, (np.integer, int)):
        return int(value)
    return float(value)


def logits(random, sharpness):
    """Logits as a network has them: single precision, the label's class a bit higher."""
    labels = np.arange(EXAMPLES) % CLASSES
    values = random.normal(size=(EXAMPLES, CLASSES)) * sharpness
    values[np.arange(EXAMPLES), labels] += 1
    # One answer is as certain as softmax in single precision cannot say.
    values[7] = [-80, 95, -60, -100, 10]
    return labels, values.astype(np.float32)


def outputs():
    random = np.random.default_rng(1)
    labels, first = logits(random, 2)
    _, second = logits(random, 1.5)
    logp, logq = (log_softmax(values.astype(np.float64), axis=1) for values in (first, second))
    p, q = np.exp(logp), np.exp(logq)
    predicted = first.argmax(axis=1)
    others = [label for label in range(CLASSES) if label != FORGOTTEN]
    forgotten = labels == FORGOTTEN
    histogram = np.bincount(predicted[forgotten], minlength=CLASSES) / forgotten.sum()
    confusion = [
        p[forgotten][:, k].mean() + p[labels == k][:, FORGOTTEN].mean() if k != FORGOTTEN else -1
        for k in range(CLASSES)
    ]
    return {
        "labels": labels,
        "first": first.ravel(),
        "second": second.ravel(),
        "accuracy": accuracy_score(labels, predicted),
        "recalls": recall_score(labels, predicted, average=None),
        "confusion": confusion,
        "totalVariation": [0.5 * np.linalg.norm(a - b, 1) for a, b in zip(p, q)],
        "jensenShannon": [jensenshannon(a, b, base=2) ** 2 for a, b in zip(p, q)],
        "softmaxDistance": [np.linalg.norm(a - b) for a, b in zip(p, q)],
        "agreement": accuracy_score(predicted, second.argmax(axis=1)),
        "entropies": [stats.entropy(row) for row in p],
        "histogram": histogram,
        "spread": stats.entropy(histogram[others], base=2),
        "confidences": p[np.arange(EXAMPLES), labels],
        "losses": -logp[np.arange(EXAMPLES), labels],
        "logits": [logp[i, y] - logsumexp(np.delete(logp[i], y)) for i, y in enumerate(labels)],
    }


def regression(members, others):
    model = LogisticRegression(class_weight="balanced", tol=1e-12, max_iter=100000)
    values = np.concatenate([members, others])[:, None]
    return model.fit(values, [1] * len(members) + [0] * len(others))


def membership():
    random = np.random.default_rng(2)
    cases = {
        "entropies": (random.gamma(1, 0.3, 90), random.gamma(1.6, 0.4, 140), random.gamma(1.3, 0.4, 50)),
        "confidences": (random.beta(5, 1, 90), random.beta(3, 1, 140), random.beta(4, 1, 50)),
        # Apart from each other, and far from 0: the penalty alone bounds the weight.
        "separable": (random.normal(60, 1, 20), random.normal(40, 1, 30), random.normal(50, 6, 25)),
    }
    result = {}
    for name, (members, others, asked) in cases.items():
        model = regression(members, others)
        result[name] = {
            "members": members, "others": others, "asked": asked,
            "weight": model.coef_[0, 0], "intercept": model.intercept_[0],
            "share": model.predict(asked[:, None]).mean(),
        }
    return result


def loss_attack():
    random = np.random.default_rng(3)
    members, others = random.gamma(1, 0.5, 70), random.gamma(1.5, 0.8, 45)
    folds = np.concatenate([random.transpose(70) % 5, random.transpose(45) % 5])
    truth = np.array([1] * 70 + [0] * 45)
    model = LogisticRegression(class_weight="balanced", tol=1e-12, max_iter=100000)
    told = cross_val_predict(
        model, np.concatenate([members, others])[:, None], truth, cv=PredefinedSplit(folds))
    return {
        "members": members, "others": others, "memberFolds": folds[:70], "otherFolds": folds[70:],
        "balancedAccuracy": balanced_accuracy_score(truth, told),
    }


def likelihood_ratio():
    random = np.random.default_rng(4)
    count, models = 80, 6
    seen = random.normal(3, 1, (count, models)) + random.normal(0, 2, (count, 1))
    unseen = seen.mean(axis=1, keepdims=True) - 1 + random.normal(0, 1.3, (count, models))
    attacked = np.where(np.arange(count) < 50, seen.mean(axis=1), unseen.mean(axis=1)) + random.normal(0, 1, count)
    deviations = [
        np.sqrt(((values - values.mean(axis=1, keepdims=True)) ** 2).mean()) for values in (seen, unseen)
    ]
    scores = stats.norm.logpdf(attacked, seen.mean(axis=1), deviations[0]) - stats.norm.logpdf(
        attacked, unseen.mean(axis=1), deviations[1])
    # Equal scores of members and others test the ties.
    curve_scores = np.round(scores, 1)
    truth = (np.arange(count) < 50).astype(int)
    false_rates, true_rates, _ = roc_curve(truth, curve_scores, drop_intermediate=False)
    return {
        "attacked": attacked, "seen": seen, "unseen": unseen, "scores": scores, "curveScores": curve_scores,
        "members": 50, "area": roc_auc_score(truth, curve_scores),
        "rates": [0.001, 0.01, 0.1, 0.3],
        "truePositiveRates": [true_rates[false_rates <= rate].max() for rate in [0.001, 0.01, 0.1, 0.3]],
    }


def bootstrap():
    random = np.random.default_rng(5)
    scores = random.beta(2, 5, 200)
    interval = stats.bootstrap(
        (scores,), np.mean, n_resamples=200_000, confidence_level=0.9, method="percentile", batch=1000,
        random_state=random).confidence_interval
    values = random.normal(size=11)
    return {
        "scores": scores, "lower": interval.low, "upper": interval.high,
        "values": np.sort(values), "shares": [0, 0.025, 0.31, 0.5, 0.999, 1],
        "quantiles": np.quantile(values, [0, 0.025, 0.31, 0.5, 0.999, 1]),
    }


def relearning(seed=6, steps=40, rate=0.02):
    """PyTorch learns a class again that a small network does not know; every step shows all examples."""
    torch.manual_seed(seed)
    torch.set_default_dtype(torch.float64)
    centers = 1.2 * torch.randn(4, 6)

    def points(labels):
        return centers[labels] + 0.8 * torch.randn(len(labels), 6), labels

    forgotten = points(torch.full((24,), 3))
    retained = points(torch.arange(40) % 3)
    measured = points(torch.full((30,), 3))
    network = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))
    pretraining = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(200):
        pretraining.zero_grad()
        torch.nn.functional.cross_entropy(network(retained[0]), retained[1]).backward()
        pretraining.step()
    # Single precision is what the tests read.
    for tensor in [*network.parameters(), forgotten[0], retained[0], measured[0]]:
        tensor.data = tensor.data.float().double()
    weights = {name: {"shape": list(tensor.shape), "elements": tensor.detach().flatten().tolist()}
               for name, tensor in network.state_dict().items()}
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    accuracies, margin = [], np.inf
    inputs, labels = (torch.cat([forgotten[k], retained[k]]) for k in (0, 1))
    for step in range(steps + 1):
        if step % 2 == 0:
            with torch.no_grad():
                scores = network(measured[0])
            largest = scores.topk(2, dim=1).values
            margin = min(margin, (largest[:, 0] - largest[:, 1]).min().item())
            accuracies.append((scores.argmax(dim=1) == 3).double().mean().item())
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(inputs), labels).backward()
        optimizer.step()
    # No answer hangs on rounding, so that single precision has to give the same accuracies.
    assert margin > 1e-3, margin
    return {
        "weights": weights, "rate": rate, "steps": steps, "accuracies": accuracies,
        **{name: examples[0].flatten().tolist()
           for name, examples in [("forgotten", forgotten), ("retained", retained), ("measured", measured)]},
        "retainedLabels": retained[1].tolist(),
    }


def write(name, content):
    (HERE / name).write_text(json.dumps(plain(content), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    write("relearning.json", relearning())
    write("outputs.json", {
        "outputs": outputs(), "membership": membership(), "lossAttack": loss_attack(),
        "likelihoodRatio": likelihood_ratio(), "bootstrap": bootstrap(),
    })
