"""Writes what SciPy, scikit-learn, PyTorch and onnxruntime say about limits, attacks on images, and rounded weights.

Run from anywhere: python3 make_evidence_fixtures.py
"""

import json
from pathlib import Path

import numpy as np
import torch
from onnx import TensorProto
from onnxruntime.quantization.quant_utils import compute_scale_zp, get_qmin_qmax_for_qType, quantize_nparray
from scipy import stats
from scipy.special import log_softmax
from sklearn.linear_model import Ridge
from sklearn.metrics import confusion_matrix

HERE = Path(__file__).resolve().parent
CLASSES = 5


def limits(random):
    """The difference that another retrained model exceeds with a probability, by a moderated t statistic."""
    cases = []
    for count, distances in [(1, False), (2, False), (3, False), (8, False), (1, True), (2, True), (3, True), (9, True)]:
        values = random.normal(0.3, 0.04, size=count)
        prior, freedom, rate = 0.02, 4.0, 0.05 / 13
        own = max(0, count - 2) if distances else count - 1
        variance = np.var(values, ddof=1) if count > 1 else 0.0
        if distances and count > 2:
            variance *= ((count - 1) / (count - 2)) ** 2
        pooled = (freedom * prior**2 + own * variance) / (freedom + own)
        limit = stats.t.ppf(1 - rate, freedom + own) * np.sqrt(pooled * (1 + 1 / count))
        cases.append({"values": values.tolist(), "areDistances": distances, "deviation": prior, "freedom": freedom,
                      "rate": rate, "limit": float(limit)})
    return cases


def ratio_limits(random):
    """The ends of the interval of another retrained model's ratio, by a moderated t statistic of the logarithms."""
    cases = []
    for count in (1, 2, 3, 8):
        times = np.exp(random.normal(3, 0.4, size=count)).round()
        values = (times + 0.01) / (times.mean() + 0.01)
        prior, freedom, rate = 0.37, 4.0, 0.05 / 15
        logarithms = np.log(values)
        variance = np.var(logarithms, ddof=1) if count > 1 else 0.0
        pooled = (freedom * prior**2 + (count - 1) * variance) / (freedom + count - 1)
        low, high = np.exp(stats.t.interval(
            1 - 2 * rate, freedom + count - 1, loc=logarithms.mean(), scale=np.sqrt(pooled * (1 + 1 / count))))
        cases.append({"values": values.tolist(), "deviation": prior, "freedom": freedom, "rate": rate,
                      "low": float(low), "high": float(high)})
    return cases


def quantiles():
    return [{"probability": p, "freedom": f, "quantile": float(stats.t.ppf(p, f))}
            for p in (0.5, 0.6, 0.95, 0.9961, 0.025, 1 - 1e-6) for f in (0.5, 1, 3, 4, 7.5, 40, 1000)]


def awareness(random):
    """IAM of 40 images, the interpolated models' distributions by SciPy's Gumbel distribution."""
    labels = np.arange(40) % CLASSES
    logits = [(random.normal(size=(40, CLASSES)) * 2 + shift * np.eye(CLASSES)[labels]).astype(np.float32)
              for shift in (4, 0.5, 0)]
    signals = []
    for values in logits:
        p = np.exp(log_softmax(values.astype(np.float64), axis=1))[np.arange(40), labels]
        signals.append(-np.log(0.01 - np.log(p + 1e-5)))
    original, unlearned, unseen = signals
    total, sums = 0.0, np.zeros(40)
    for k in range(99):
        mean = unseen + k / 99 * (original - unseen)
        scale = np.sqrt(6) * mean.std() / np.pi
        weight = (k + 1) / 99
        sums += weight * stats.gumbel_r.cdf(unlearned, loc=mean - 0.5772 * scale, scale=scale)
        total += weight
    return {"labels": labels.tolist(), "logits": [v.ravel().tolist() for v in logits], "signals": unlearned.tolist(),
            "scores": (1 - sums / total).tolist()}


def class_attack(random):
    """Least squares of logits, one retained class against the rest; class 2 is forgotten."""
    labels = np.array([label for label in np.arange(100) % CLASSES if label != 2])
    logits = (random.normal(size=(len(labels), CLASSES)) + 2 * np.eye(CLASSES)[labels]).astype(np.float32)
    asked = random.normal(size=(30, CLASSES)).astype(np.float32)
    asked[:, 3] += 1.2
    x = logits.astype(np.float64)
    centered = x - x.mean(axis=0)
    penalty = 1e-6 * (centered**2).sum() / CLASSES
    shares = []
    for label in range(CLASSES):
        if label == 2:
            shares.append(None)
            continue
        model = Ridge(alpha=penalty, solver="cholesky").fit(x, (labels == label).astype(np.float64))
        shares.append(float(np.mean(model.predict(asked.astype(np.float64)) > 0.5)))
    return {"labels": labels.tolist(), "logits": logits.ravel().tolist(), "asked": asked.ravel().tolist(),
            "shares": shares}


def rounded(random):
    """Weights [3, 2, 2, 2] as PyTorch and onnxruntime round them."""
    weights = (random.normal(size=(3, 2, 2, 2)) * np.array([1, 1e-3, 40]).reshape(3, 1, 1, 1)).astype(np.float32)
    weights[0, 0, 0, 0] = 0
    weights[1, 0, 0, 0] = 2.5e-8
    result = {"weights": weights.ravel().tolist(),
              "fp16": torch.from_numpy(weights).half().float().numpy().ravel().tolist(),
              "bf16": torch.from_numpy(weights).bfloat16().float().numpy().ravel().tolist()}
    # onnxruntime has no symmetric range of 4 bits, so that its formulas get one: -7 to 7.
    ranges = {"int8": get_qmin_qmax_for_qType(TensorProto.INT8, reduce_range=False, symmetric=True),
              "int4": (np.array(-7, dtype=np.int8), np.array(7, dtype=np.int8))}
    for name, (low, high) in ranges.items():
        channels = []
        for channel in weights:
            zero, scale = compute_scale_zp(channel.min(), channel.max(), low, high, symmetric=True)
            integers = quantize_nparray(TensorProto.INT8, channel, scale, zero, low=int(low), high=int(high))
            channels.append((integers.astype(np.float32) - np.float32(zero)) * np.float32(scale))
        result[name] = np.array(channels, dtype=np.float32).ravel().tolist()
    return result


def recognition(predicted, labels, forgotten):
    """Youden's index of each forgotten class against the retained images, weighted by the classes' sizes."""
    matrix = confusion_matrix(labels, predicted, labels=range(CLASSES)).astype(float)
    retained = [label for label in range(CLASSES) if label not in forgotten]
    sizes = matrix[forgotten].sum(axis=1)
    recalls = matrix[forgotten, forgotten] / sizes
    false_positives = matrix[np.ix_(retained, forgotten)].sum(axis=0) / matrix[retained].sum()
    return float(np.average(recalls - false_positives, weights=sizes)), recalls, false_positives, sizes


def head_share(random, forgotten):
    """Head shares of a network whose features fit the original's last layer in part, and in resamples by class."""
    labels = np.sort(np.concatenate([np.arange(CLASSES).repeat(20), random.integers(CLASSES, size=60)]))
    order = random.permutation(len(labels))
    centers = 2.0 * np.eye(CLASSES)

    def answers(signal, bias):
        return (signal * centers[labels] + random.normal(size=(len(labels), CLASSES)) + bias).argmax(axis=1)

    lead = np.isin(np.arange(CLASSES), forgotten)
    predicted = {"original": answers(1.5, 0), "own": answers(1.5, np.where(lead, -3.0, 0)),
                 # Answers that lean to the forgotten classes whatever the image shows.
                 "restored": answers(0.5, np.where(lead, 1.5, 0))}

    def share(rows):
        before, own, restored = (recognition(p[rows], labels[rows], forgotten)[0] for p in predicted.values())
        return (restored - own) / (before - own)

    members = [np.flatnonzero(labels == label) for label in range(CLASSES)]
    draws, values = [], []
    for number in range(4000):
        counts = [np.bincount(random.integers(len(m), size=len(m)), minlength=len(m)) for m in members]
        values.append(share(np.concatenate([np.repeat(m, c) for m, c in zip(members, counts)])))
        if number < 3:
            draws.append([c.tolist() for c in counts])
    _, recalls, false_positives, sizes = recognition(predicted["restored"], labels, forgotten)
    return {"forgotten": forgotten, "labels": labels[order].tolist(),
            **{name: p[order].tolist() for name, p in predicted.items()},
            "recognition": [recognition(p, labels, forgotten)[0] for p in predicted.values()],
            "recall": float(np.average(recalls, weights=sizes)),
            "falsePositives": float(np.average(false_positives, weights=sizes)),
            "share": share(np.arange(len(labels))), "interval": np.quantile(values, [0.025, 0.975]).tolist(),
            # In the order of the shuffled examples of each class.
            "draws": [[[counts[label][np.searchsorted(members[label], row)] for row in order if labels[row] == label]
                       for label in range(CLASSES)] for counts in draws],
            "drawn": values[:3]}


random = np.random.default_rng(18)
content = {"quantiles": quantiles(), "limits": limits(random), "awareness": awareness(random),
           "classAttack": class_attack(random), "rounded": rounded(random),
           "headShares": [head_share(np.random.default_rng(19), forgotten) for forgotten in ([2], [1, 3])],
           "ratioLimits": ratio_limits(np.random.default_rng(20))}
(HERE / "evidence.json").write_text(json.dumps(content, indent=1) + "\n")
