"""Writes what NumPy, SciPy and scikit-learn say about distributions of answers: challenge epsilon, KLoM and RULI.

Everything is computed in the plainest way from the definitions, rule by rule and image by image. Run from anywhere:
python3 make_distributions.py
"""

import itertools
import json
import math
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.neighbors import KernelDensity

from make_fixtures import plain

HERE = Path(__file__).resolve().parent
DELTA = 1e-5
CAP = 50


def epsilon_of_rule(false_positives, false_negatives):
    """One rule's bound on epsilon; nothing if it makes only one kind of error."""
    if false_positives == 0 and false_negatives == 0:
        return CAP
    if false_positives == 0 or false_negatives == 0:
        return None
    bounds = [
        math.log(1 - DELTA - first) - math.log(second)
        for first, second in [(false_positives, false_negatives), (false_negatives, false_positives)]
        if 1 - DELTA - first > 0
    ]
    return max(bounds, default=None)


def epsilon(unlearned, retrained):
    ranges = sorted([np.ptp(unlearned), np.ptp(retrained)])
    if ranges[0] < 0.01 * ranges[1]:
        return CAP
    values = np.unique(np.concatenate([unlearned, retrained]))
    thresholds = [-np.inf, *((values[1:] + values[:-1]) / 2), np.inf]
    found = [0]
    for low, high in itertools.combinations(thresholds, 2):
        inside = [(side > low) & (side < high) for side in (unlearned, retrained)]
        for is_reversed in (False, True):
            called = [~side if is_reversed else side for side in inside]
            found.append(epsilon_of_rule(called[1].mean(), 1 - called[0].mean()))
    return min(CAP, max(bound for bound in found if bound is not None))


def points(epsilons, models):
    last = math.ceil(math.log(models - 1)) * 2 - 1
    return [0.5 ** min(math.floor(epsilon / 0.5), last) for epsilon in epsilons]


def divergence(unlearned, retrained):
    unlearned, retrained = (np.clip(side, -100, 100) for side in (unlearned, retrained))
    both = np.concatenate([unlearned, retrained])
    low, high = both.min(), both.max()
    if low == high:
        return 0
    p, q = (np.histogram(side, bins=20, range=(low, high))[0] / len(side) for side in (unlearned, retrained))
    return stats.entropy(p, np.where(p > 0, np.maximum(q, 1e-5), q))


def margins(random, images, models):
    """Margins of images that are alike, apart, wider, two-peaked, constant, beyond the clipping, and equal."""
    retrained = random.normal(0, 1, (models, images)) + random.normal(0, 3, images)
    unlearned = random.normal(0, 1, (models, images)) + retrained.mean(axis=0)
    unlearned[:, 1] += 2
    unlearned[:, 2] += 40
    unlearned[:, 3] *= 5
    unlearned[:, 4] = np.where(np.arange(models) % 2 == 0, -4, 4) + unlearned[:, 4] / 10
    unlearned[:, 5] = unlearned[0, 5]
    unlearned[:, 6] += 300
    unlearned[:, 7] = retrained[:, 7]
    unlearned[:, 8] = retrained[:, 8] = 1.25
    # Ties within a side and between both.
    unlearned[:, 9], retrained[:, 9] = np.round(unlearned[:, 9]), np.round(retrained[:, 9])
    return unlearned, retrained


def distributions():
    cases = []
    for seed, (unlearned_models, retrained_models) in enumerate([(16, 16), (5, 9)]):
        random = np.random.default_rng(30 + seed)
        unlearned, retrained = margins(random, 14, 16)
        unlearned, retrained = unlearned[:unlearned_models], retrained[:retrained_models]
        epsilons = [epsilon(unlearned[:, image], retrained[:, image]) for image in range(14)]
        divergences = [divergence(unlearned[:, image], retrained[:, image]) for image in range(14)]
        models = min(unlearned_models, retrained_models)
        cases.append({
            "unlearned": unlearned, "retrained": retrained, "epsilons": epsilons,
            "points": points(epsilons, models), "quality": np.mean(points(epsilons, models)),
            "medianEpsilon": np.median(epsilons), "divergences": divergences,
            "meanDivergence": np.mean(divergences), "percentile95": np.quantile(divergences, 0.95),
        })
    return cases


def rectified():
    """Scores by kernel densities, and the curves of all images and of the vulnerable tenth of each kind."""
    random = np.random.default_rng(40)
    count, models, members = 80, 8, 50
    memorized = random.exponential(1.5, (count, 1))
    unseen = random.normal(0, 1, (count, models)) + random.normal(0, 2, (count, 1))
    seen = unseen.mean(axis=1, keepdims=True) + memorized + random.normal(0, 1, (count, models))
    unlearned = unseen.mean(axis=1, keepdims=True) + memorized / 2 + random.normal(0, 1, (count, models))
    attacked = np.where(np.arange(count) < members, unlearned.mean(axis=1), unseen.mean(axis=1))
    attacked = attacked + random.normal(0, 1, count)
    # So far from both that the densities themselves are 0.
    attacked[3] += 60

    def log_density(values, value):
        estimator = KernelDensity(kernel="gaussian", bandwidth=1.0).fit(values[:, None])
        return estimator.score_samples([[value]])[0]

    ratios = np.array([
        log_density(unlearned[i], attacked[i]) - log_density(unseen[i], attacked[i]) for i in range(count)])
    scores = 1 / (1 + np.exp(-ratios))
    vulnerability = (seen.mean(axis=1) - unseen.mean(axis=1)) / np.sqrt(
        (seen.var(axis=1) + unseen.var(axis=1)) / 2)
    truth = (np.arange(count) < members).astype(int)

    def curve(rows):
        false_rates, true_rates, _ = roc_curve(truth[rows], scores[rows], drop_intermediate=False)
        return roc_auc_score(truth[rows], scores[rows]), true_rates[false_rates <= 0.01].max()

    vulnerable = np.concatenate([
        np.sort(rows[np.argsort(-vulnerability[rows])[:math.ceil(len(rows) / 10)]])
        for rows in (np.arange(members), np.arange(members, count))])
    area, rate = curve(np.arange(count))
    vulnerable_area, vulnerable_rate = curve(vulnerable)
    return {
        "attacked": attacked, "seen": seen, "unseen": unseen, "unlearned": unlearned, "members": members,
        "scores": scores, "vulnerability": vulnerability, "vulnerable": vulnerable, "area": area, "rate": rate,
        "vulnerableArea": vulnerable_area, "vulnerableRate": vulnerable_rate,
    }


if __name__ == "__main__":
    content = {"distributions": distributions(), "rectified": rectified()}
    (HERE / "distributions.json").write_text(json.dumps(plain(content), separators=(",", ":")) + "\n")
