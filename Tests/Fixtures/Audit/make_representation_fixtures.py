"""Writes scikit-learn's, NumPy's and PyTorch's values of the audit's measures of features and weights.

Run from anywhere: python3 make_representation_fixtures.py
"""

import math
import sys
from pathlib import Path

import numpy
import torch
from safetensors.torch import save_file
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestCentroid
from torch import nn

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import generator  # noqa: E402
from generator import symmetric  # noqa: E402

CLASSES = 4
REGULARIZATION = 1e-3
# Few features of many examples, and many features of few.
SHAPES = {"narrow": (60, 24, 8), "wide": (12, 24, 30)}


def labels(count):
    return numpy.array([(3 * i + 1) % CLASSES for i in range(count)])


def features(name, count, width):
    """Points around a center for each class; float32, as the Swift side adds them."""
    centers = symmetric("features.centers", (CLASSES, width), 0.8)
    return (symmetric(f"features.{name}", (count, width)) + centers[labels(count)]).numpy()


def cka(x, y):
    """By HSIC of the examples' Gram matrices, as in equation 3 of Kornblith et al. with n^2 cancelled."""
    n = len(x)
    centring = numpy.eye(n) - numpy.ones((n, n)) / n
    k, l = centring @ x @ x.T @ centring, centring @ y @ y.T @ centring
    return (k * l).sum() / math.sqrt((k * k).sum() * (l * l).sum())


def probes(kind, count, test_count, width):
    x, y = features(f"{kind}.train", count, width).astype(float), labels(count)
    test = features(f"{kind}.test", test_count, width).astype(float)
    penalty = REGULARIZATION * numpy.square(x - x.mean(0)).sum() / width
    ridge = Ridge(alpha=penalty, solver="svd").fit(x, numpy.eye(CLASSES)[y])
    pca = PCA(n_components=2, svd_solver="full").fit(x)
    other = numpy.tanh(x[:, : width // 2] @ symmetric("features.mix", (width // 2, 5)).numpy())
    return {
        f"{kind}.ridge_scores": ridge.predict(test),
        f"{kind}.nearest_centroid": NearestCentroid().fit(x, y).predict(test),
        f"{kind}.pca": pca.transform(test),
        f"{kind}.pca_components": pca.components_,
        f"{kind}.pca_explained": pca.explained_variance_ratio_,
        f"{kind}.cka_input": other,
        f"{kind}.cka": [cka(x, other.astype(numpy.float32).astype(float))],
    }


def prototype():
    """The row and the bias of class 2, forgotten, from its first three examples."""
    count, _, width = SHAPES["narrow"]
    x, y = features("narrow.train", count, width).astype(float), labels(count)
    weight = symmetric("prototype.weight", (CLASSES, width)).numpy().astype(float)
    bias = symmetric("prototype.bias", (CLASSES,)).numpy().astype(float)
    retained = [0, 1, 3]
    means = numpy.stack([x[y == c].mean(axis=0) for c in retained])
    rows = weight[retained]
    spread = rows - rows.mean(axis=0)
    example = x[y == 2][:3].mean(axis=0)
    direction = example - means.mean(axis=0)
    row = rows.mean(axis=0) + numpy.linalg.norm(spread, axis=1).mean() * direction / numpy.linalg.norm(direction)
    level = numpy.mean([rows[i] @ means[i] + bias[retained[i]] for i in range(3)])
    weight[2], bias[2] = row, level - row @ example
    test = features("narrow.test", SHAPES["narrow"][1], width).astype(float)
    return {
        "prototype.row": weight[2],
        "prototype.new_bias": [bias[2]],
        "prototype.predictions": (test @ weight.T + bias).argmax(axis=1),
    }


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 8, 3, stride=2, padding=1)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        first = torch.relu(self.bn1(self.conv1(x)))
        second = torch.relu(self.conv2(first))
        return {"relu1": first, "relu2": second}, self.fc(second.mean(dim=(2, 3)))


def class_activation_maps(model):
    result = {}
    images = symmetric("gradcam.input", (3, 3, 8, 8), math.sqrt(3)).double()
    maps, logits = model(images)
    score = logits[torch.arange(3), torch.tensor([0, 3, 4])].sum()
    for name, activation in maps.items():
        (gradient,) = torch.autograd.grad(score, activation, retain_graph=True)
        weights = gradient.mean(dim=(2, 3), keepdim=True)
        heat = torch.relu((weights * activation).sum(dim=1))
        result[f"gradcam.{name}"] = heat.detach()
        large = nn.functional.interpolate(heat[:, None], size=(10, 7), mode="bilinear", align_corners=False)
        result[f"gradcam.{name}.resized"] = large[:, 0].detach()
    return result


def weight_distances(model):
    """Every tensor moved by a tenth of a generated one; a layer's parameters count together."""
    moved, lengths = {}, {}
    for name, parameter in model.named_parameters():
        layer = name.split(".")[0]
        old = parameter.detach().float()
        new = old + 0.1 * symmetric(f"moved.{name}", tuple(old.shape))
        moved[layer] = moved.get(layer, 0) + (new.double() - old.double()).square().sum().item()
        lengths[layer] = lengths.get(layer, 0) + old.double().square().sum().item()
    result = {f"distance.{layer}": [math.sqrt(moved[layer] / lengths[layer])] for layer in moved}
    result["distance.total"] = [math.sqrt(sum(moved.values()) / sum(lengths.values()))]
    return result


def main():
    result = {}
    for kind, sizes in SHAPES.items():
        result |= probes(kind, *sizes)
    result |= prototype()
    model = generator.fill(Tiny()).double().eval()
    result |= class_activation_maps(model)
    result |= weight_distances(model)
    tensors = {name: torch.as_tensor(numpy.asarray(value)).float().contiguous() for name, value in result.items()}
    save_file(tensors, HERE / "representation.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)  # one order of summation, so that every run writes the same bytes
    main()
