"""Writes what PyTorch computes for each network with generated weights; keys are listed in ../README.md.

Run from anywhere: python3 make_fixtures.py [NAME ...]
"""

import copy
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import cross_entropy, unfold

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent), str(HERE.parents[1] / "PyTorch")]
import generator  # noqa: E402
import networks  # noqa: E402

BATCH = 4
SAMPLES = 64
INPUT_SAMPLES = 2048
# How many times float32's rounding every kink's neighbourhood is wide; see `smooth_inputs`.
KINK_MARGIN = 3


@dataclass
class Case:
    """A network without dropout, so that training mode is deterministic, and what it is run on."""

    build: Callable
    size: int
    # A batch and a rate at which the loss falls by a good part within ten steps while float32 follows float64 to 2e-4.
    descent: tuple
    # Batch norm over four images amplifies rounding: at 1e-3 PyTorch's own float32 losses leave float64's by half
    # within ten steps (ResNet-18, imagenet stem), at 3e-6 by 2e-4 at most, in either layout.
    adam_rate: float = 3e-6


# Deep networks are narrow, since units near a kink must be few, and images so large that batch norm has at least 16
# numbers a channel: over fewer, PyTorch's own float32 leaves float64 by more than the tests allow.
CASES = {
    "resnet18-imagenet": Case(lambda: networks.resnet("resnet18", "imagenet"), 32, (32, 1e-5)),
    "resnet18-small": Case(lambda: networks.resnet("resnet18", "small"), 32, (8, 1e-5)),
    "resnet34-imagenet": Case(lambda: networks.resnet("resnet34", "imagenet", width=0.25), 32, (16, 5e-5)),
    "resnet50-small": Case(lambda: networks.resnet("resnet50", "small", width=0.25), 16, (32, 3e-6), 3e-7),
    "mobilenet_v2-imagenet": Case(lambda: networks.mobilenet_v2("imagenet", width=0.25, dropout=0), 48, (16, 2e-5)),
    "mobilenet_v2-small": Case(lambda: networks.mobilenet_v2("small", width=0.25, dropout=0), 16, (16, 1e-5)),
    "vgg16_bn": Case(lambda: networks.vgg16_bn(width=0.125, dropout=0), 32, (16, 2e-4)),
    "efficientnet_lite0": Case(
        lambda: networks.efficientnet_lite0("efficientnet_lite0", width=0.25, dropout=0), 48, (32, 1e-5)
    ),
    "tf_efficientnet_lite0": Case(
        lambda: networks.efficientnet_lite0("tf_efficientnet_lite0", width=0.25, dropout=0), 48, (32, 1e-5)
    ),
    "allcnn": Case(lambda: networks.AllCNN(batch_norm=False, dropout=0), 32, (8, 5e-5)),
    "allcnn-bn": Case(lambda: networks.AllCNN(batch_norm=True, dropout=0), 32, (8, 5e-5)),
    "vit-timm": Case(networks.vit_timm, 32, (8, 1e-3)),
    "vit-torchvision": Case(networks.vit_torchvision, 32, (8, 1e-3)),
}


def images(name, size, batch=BATCH):
    return generator.symmetric(name, (batch, 3, size, size), math.sqrt(3))


def single_images(indices, size):
    """A batch of images that are generated one by one."""
    return torch.cat([images(f"image.{index}", size, batch=1) for index in indices])


def labels(batch=BATCH):
    return torch.tensor([(3 * i + 1) % 10 for i in range(batch)])


def kink_distances(model, batch):
    """What enters each ReLU, ReLU6 and max pooling, and how far each unit is from where its gradient jumps."""
    values, distances = [], []

    def rectification(module, inputs):
        value = inputs[0].clone()  # torchvision's ReLUs work in place
        values.append(value)
        ceiling = (value - 6).abs() if isinstance(module, nn.ReLU6) else torch.full_like(value, math.inf)
        distances.append(torch.minimum(value.abs(), ceiling))

    def pooling(module, inputs):
        (value,) = inputs
        sizes = (module.kernel_size, 1, module.padding, module.stride)
        # Padding must never win; behind ReLU nothing is below 0.
        best = unfold(value, *sizes).view(len(value), value.shape[1], module.kernel_size**2, -1).topk(2, dim=2).values
        gap = best[:, :, 0] - best[:, :, 1]
        values.append(value.clone())
        distances.append(torch.where(best[:, :, 0] > 0, gap, math.inf))  # where all are 0, ReLU stops the gradient

    kinds = {nn.ReLU: rectification, nn.ReLU6: rectification, nn.MaxPool2d: pooling}
    hooks = [
        module.register_forward_pre_hook(kinds[type(module)]) for module in model.modules() if type(module) in kinds
    ]
    with torch.no_grad():
        model(batch)
    for hook in hooks:
        hook.remove()
    return values, distances


class KinkCheck:
    """Tells whether a batch keeps every unit out of rounding's reach of a kink.

    One unit on the wrong side of 0 changes gradients by up to 2e-2, and which side that is depends on the order of
    summation: PyTorch's own float32 then differs that much between its two memory layouts.
    """

    def __init__(self, model, training, example):
        self.double = copy.deepcopy(model).double().train(training)
        # Running statistics that move would change what is measured; training mode does not read them.
        rounded, _ = kink_distances(copy.deepcopy(model).train(training), example)
        exact, _ = kink_distances(self.double, example.double())
        self.rounding = [(a - b).square().mean().sqrt() for a, b in zip(rounded, exact)]

    def is_smooth(self, batch):
        _, distances = kink_distances(self.double, batch.double())
        return all(distance.min() >= KINK_MARGIN * error for distance, error in zip(distances, self.rounding))


def smooth_images(model, size):
    """The first images `image.K` that are smooth in inference mode, where each image is on its own."""
    check = KinkCheck(model, False, single_images(range(BATCH), size))
    found = (index for index in range(10_000) if check.is_smooth(single_images([index], size)))
    return list(islice(found, BATCH))


def smooth_batch(model, size):
    """The first batch `input.K` that is smooth in training mode, where batch norm ties its images together."""
    check = KinkCheck(model, True, images("input.0", size))
    return next(index for index in range(10_000) if check.is_smooth(images(f"input.{index}", size)))


def loss_and_input_gradient(model, batch):
    """Mean cross-entropy of the model's current mode; parameter gradients are left in the model."""
    batch = batch.double().requires_grad_()
    logits = model(batch)
    loss = cross_entropy(logits, labels())
    loss.backward()
    return logits.detach(), loss.detach(), batch.grad


def sampled(tensor):
    """At most 64 entries, evenly spread, so that large weights leave small fixtures."""
    flat = tensor.flatten()
    stride = max(1, flat.numel() // SAMPLES)
    return flat[::stride][:SAMPLES]


def adam_losses(model, batch, learning_rate, steps=10):
    """Losses before each step on one batch: a trajectory shows errors that one step hides."""
    model = copy.deepcopy(model).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    losses = []
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = cross_entropy(model(batch.double()), labels(len(batch)))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses)


def sampled_input(gradient):
    """Some entries of an input gradient, an odd number apart, so that every row, column and channel is met."""
    flat = gradient.flatten()
    stride = max(1, flat.numel() // INPUT_SAMPLES) | 1
    return flat[::stride]


def fixture(model, case):
    chosen = smooth_images(model, case.size)
    batch_index = smooth_batch(model, case.size)
    training_batch = images(f"input.{batch_index}", case.size)
    # Double precision makes the stored values a reference rather than one more rounding of it.
    reference = copy.deepcopy(model).double()
    result = {
        "image_size": torch.tensor([case.size]),
        "inference.images": torch.tensor(chosen),
        "training.input_index": torch.tensor([batch_index]),
    }

    reference.eval()
    logits, _, gradient = loss_and_input_gradient(reference, single_images(chosen, case.size))
    result["inference.logits"] = logits
    result["inference.input_gradient"] = sampled_input(gradient)

    reference.zero_grad()
    reference.train()
    logits, loss, gradient = loss_and_input_gradient(reference, training_batch)
    result["training.logits"] = logits
    result["training.loss"] = loss.reshape(1)
    result["training.input_gradient"] = sampled_input(gradient)
    for key, parameter in reference.named_parameters():
        result[f"gradient_samples.{key}"] = sampled(parameter.grad)
        result[f"gradient_norm.{key}"] = parameter.grad.norm().reshape(1)

    norms = [key for key, module in reference.named_modules() if isinstance(module, nn.BatchNorm2d)]
    state = reference.state_dict()
    for norm in dict.fromkeys(norms[:1] + norms[-1:]):
        for statistic in ("running_mean", "running_var"):
            result[f"after.{norm}.{statistic}"] = state[f"{norm}.{statistic}"]

    result["adam.losses"] = adam_losses(model, training_batch, case.adam_rate)
    result["adam.learning_rate"] = torch.tensor([case.adam_rate])
    count, learning_rate = case.descent
    result["descent.losses"] = adam_losses(model, images("descent.input", case.size, count), learning_rate)
    result["descent.learning_rate"] = torch.tensor([learning_rate])
    result["descent.batch"] = torch.tensor([count])
    return {key: tensor.float().contiguous().clone() for key, tensor in result.items()}


def main():
    torch.set_num_threads(1)  # one order of summation, so that every run writes the same bytes
    for name in sys.argv[1:] or CASES:
        path = HERE / f"{name}.safetensors"
        case = CASES[name]
        save_file(fixture(generator.fill(case.build()), case), path)
        print(f"{path.name}: {path.stat().st_size // 1024} KiB", flush=True)


if __name__ == "__main__":
    main()
