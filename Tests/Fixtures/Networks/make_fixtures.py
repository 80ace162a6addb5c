"""Writes what PyTorch computes for each network with generated weights; keys are listed in ../README.md.

Run from anywhere: python3 make_fixtures.py [NAME ...]
"""

import copy
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import cross_entropy

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent), str(HERE.parents[1] / "PyTorch")]
import generator  # noqa: E402
import networks  # noqa: E402

SAMPLES = 64
INPUT_SAMPLES = 2048
# What rounding to float32 moves, relative to the root mean square of what a layer gives: products and sums are off by about
# 1e-7 whatever their order, 3x3 convolutions by Winograd's algorithm by half of 1e-6; a ReLU rounds nothing.
ROUNDING = 1e-7
WINOGRAD_ROUNDING = 5e-7
# The tests' tolerances, of which rounding may take this share.
TOLERANCES = {"logits": 1e-4, "loss": 1e-4, "running": 1e-4, "losses": 1e-3}
SHARE = 0.75
# A trajectory may turn where three draws of noise do not show it.
SHARE_OF_LOSSES = 0.25


@dataclass
class Case:
    """A network without dropout, so that training mode is deterministic, and what it is run on."""

    build: Callable
    size: int
    # Batch norm over few numbers amplifies rounding: there have to be about sixteen a channel on the smallest maps.
    batch: int
    # The batch of ten steps of training.
    descent_batch: int


CASES = {
    "resnet18-imagenet": Case(lambda: networks.resnet("resnet18", "imagenet", width=0.5), 32, 16, 32),
    "resnet18-small": Case(lambda: networks.resnet("resnet18", "small", width=0.5), 16, 4, 8),
    "resnet34-imagenet": Case(lambda: networks.resnet("resnet34", "imagenet", width=0.25), 48, 16, 16),
    "resnet50-small": Case(lambda: networks.resnet("resnet50", "small", width=0.25), 16, 16, 16),
    "mobilenet_v2-imagenet": Case(lambda: networks.mobilenet_v2("imagenet", width=0.25, dropout=0), 48, 8, 16),
    "mobilenet_v2-small": Case(lambda: networks.mobilenet_v2("small", width=0.25, dropout=0), 16, 16, 16),
    "vgg16_bn": Case(lambda: networks.vgg16_bn(width=0.125, dropout=0), 32, 4, 16),
    "efficientnet_lite0": Case(
        lambda: networks.efficientnet_lite0("efficientnet_lite0", width=0.25, dropout=0), 48, 8, 32
    ),
    "tf_efficientnet_lite0": Case(
        lambda: networks.efficientnet_lite0("tf_efficientnet_lite0", width=0.25, dropout=0), 48, 8, 32
    ),
    "allcnn": Case(lambda: networks.AllCNN(batch_norm=False, dropout=0), 16, 4, 8),
    "allcnn-bn": Case(lambda: networks.AllCNN(batch_norm=True, dropout=0), 16, 4, 8),
    "vit-timm": Case(networks.vit_timm, 32, 4, 8),
    "vit-torchvision": Case(networks.vit_torchvision, 32, 4, 8),
}
# Adam divides by the gradient's size: where that is nearly 0, rounding decides the direction of a whole step, unless
# epsilon is of the gradients' order.
ADAM_EPSILON = 1e-3
RATES = (1e-3, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6)
# The part of the loss that ten steps have to take away.
LEAST_FALL = 0.05


def images(name, size, batch):
    return generator.symmetric(name, (batch, 3, size, size), math.sqrt(3))


def labels(batch):
    return torch.tensor([(3 * i + 1) % 10 for i in range(batch)])


def with_rounding(model, seed):
    """A copy in which every layer's result and every gradient is off by as much as rounding may make it."""
    random = torch.Generator().manual_seed(seed)

    def noise(tensor, rounding=ROUNDING):
        size = rounding * tensor.square().mean().sqrt()
        return torch.randn(tensor.shape, generator=random, dtype=tensor.dtype) * size

    def forward(module, inputs, output):
        if isinstance(output, torch.Tensor):
            winograd = isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3) and module.groups == 1
            return output + noise(output.detach(), WINOGRAD_ROUNDING if winograd else ROUNDING)
        return (output[0] + noise(output[0].detach()), *output[1:])

    rounded = copy.deepcopy(model)
    for module in rounded.modules():
        if not list(module.children()) and not isinstance(module, (nn.ReLU, nn.ReLU6, nn.MaxPool2d)):
            module.register_forward_hook(forward)
    for parameter in rounded.parameters():
        parameter.register_hook(lambda gradient: gradient + noise(gradient))
    return rounded


def share_of_rounding(model, exact, compute):
    """The largest part of a tolerance that rounding alone takes up, and of what; more than `SHARE` is soon enough known."""
    worst = (0, "")
    for seed in range(3):
        if worst[0] > SHARE:
            break
        for key, value in compute(with_rounding(model, seed)).items():
            kind = next((kind for kind in ("losses", "running", "logits", "loss") if kind in key), None)
            if kind is None:
                continue
            pairs = zip(value, exact[key]) if kind == "losses" else [(value, exact[key])]
            moved = max(float((a - b).norm() / b.norm()) for a, b in pairs)
            worst = max(worst, (moved / TOLERANCES[kind], key))
    return worst


def passes(model, case):
    """Logits, loss and running statistics of one pass in either mode; gradients are left out for the caller."""
    batch = images("pass.input", case.size, case.batch).double()
    result = {}
    for mode in ("inference", "training"):
        reference = copy.deepcopy(model).train(mode == "training")
        inputs = batch.clone().requires_grad_()
        logits = reference(inputs)
        loss = cross_entropy(logits, labels(case.batch))
        loss.backward()
        result[f"{mode}.logits"] = logits.detach()
        result[f"{mode}.input_gradient"] = sampled_input(inputs.grad)
        for key, parameter in reference.named_parameters():
            result[f"{mode}.gradient_samples.{key}"] = sampled(parameter.grad)
            result[f"{mode}.gradient_norm.{key}"] = parameter.grad.norm().reshape(1)
    result["training.loss"] = loss.detach().reshape(1)
    norms = [key for key, module in reference.named_modules() if isinstance(module, nn.BatchNorm2d)]
    state = reference.state_dict()
    for norm in dict.fromkeys(norms[:1] + norms[-1:]):
        for statistic in ("running_mean", "running_var"):
            result[f"after.{norm}.{statistic}"] = state[f"{norm}.{statistic}"]
    return result


def sampled(tensor):
    """At most 64 entries at regular distances, so that large weights leave small fixtures."""
    flat = tensor.flatten()
    stride = max(1, flat.numel() // SAMPLES)
    return flat[::stride][:SAMPLES]


def sampled_input(gradient):
    """Some entries of an input gradient, an odd number apart, so that every row, column and channel is met."""
    flat = gradient.flatten()
    stride = max(1, flat.numel() // INPUT_SAMPLES) | 1
    return flat[::stride]


def descent(model, size, count, rate, steps=10):
    """Losses before each step on one batch: a trajectory shows errors that one step hides."""
    batch = images("descent.input", size, count).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, eps=ADAM_EPSILON)
    losses = []
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = cross_entropy(model(batch), labels(count))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {"descent.losses": torch.tensor(losses, dtype=torch.float64)}


def steepest_descent(model, case):
    """The trajectory with the largest rate at which rounding does not decide where it goes."""
    for rate in RATES:

        def compute(network):
            return descent(network, case.size, case.descent_batch, rate)

        exact = compute(copy.deepcopy(model))
        first, *_, last = exact["descent.losses"]
        if not last < (1 - LEAST_FALL) * first:
            continue
        share, _ = share_of_rounding(model, exact, compute)
        if share <= SHARE_OF_LOSSES:
            return exact | {"descent.learning_rate": torch.tensor([rate])}, share
    sys.exit("at no rate does the loss fall while rounding stays without effect; take a larger batch")


def fixture(model, case):
    # Double precision makes the stored values a reference rather than one more rounding of it.
    model = model.double()
    result = passes(model, case)
    share, key = share_of_rounding(model, result, lambda rounded: passes(rounded, case))
    if share > SHARE:
        sys.exit(f"rounding takes {share:.0%} of the tolerance of {key}; take a larger batch")
    losses, share_of_losses = steepest_descent(model, case)
    result |= losses
    result["image_size"] = torch.tensor([case.size])
    result["pass.batch"] = torch.tensor([case.batch])
    result["descent.batch"] = torch.tensor([case.descent_batch])
    result["descent.epsilon"] = torch.tensor([ADAM_EPSILON])
    first, *_, last = losses["descent.losses"]
    print(
        f"rounding takes {share:.0%} of the tolerance of {key}, {share_of_losses:.0%} of the losses'; the loss falls from "
        f"{first:.3f} to {last:.3f} at {losses['descent.learning_rate'].item():.0e}"
    )
    return {key: tensor.float().contiguous().clone() for key, tensor in result.items()}


def main():
    torch.set_num_threads(1)  # one order of summation, so that every run writes the same bytes
    for name in sys.argv[1:] or CASES:
        path = HERE / f"{name}.safetensors"
        case = CASES[name]
        print(f"{name}: ", end="", flush=True)
        save_file(fixture(generator.fill(case.build()), case), path)
        print(f"{path.name}: {path.stat().st_size // 1024} KiB", flush=True)


if __name__ == "__main__":
    main()
