"""Writes what PyTorch computes for each network with generated weights; keys are listed in ../README.md.

Run from anywhere: python3 make_fixtures.py [NAME ...]
"""

import copy
import math
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import cross_entropy

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent), str(HERE.parents[1] / "PyTorch")]
import generator  # noqa: E402
import networks  # noqa: E402

NETWORKS = {
    "resnet18-imagenet": lambda: networks.resnet18("imagenet"),
    "resnet18-small": lambda: networks.resnet18("small"),
    # Without dropout, training mode is deterministic.
    "allcnn": lambda: networks.AllCNN(batch_norm=False, dropout=0),
    "allcnn-bn": lambda: networks.AllCNN(batch_norm=True, dropout=0),
    "vit-timm": networks.vit_timm,
    "vit-torchvision": networks.vit_torchvision,
}
BATCH = 4
SAMPLES = 64
# How many times float32's rounding every ReLU's inputs must stay away from 0; see `smooth_input`.
KINK_MARGIN = 3
# Batch norm over four images amplifies rounding: at 1e-3 PyTorch's own float32 losses leave float64's by half
# within ten steps (ResNet-18, imagenet stem), at 3e-6 by 2e-4 at most, in either layout.
ADAM_LEARNING_RATE = 3e-6
# Batches and rates at which the loss falls by a good part within ten steps while float32 follows float64 to 2e-4.
DESCENT = {
    "resnet18-imagenet": (32, 1e-5),
    "resnet18-small": (8, 1e-5),
    "allcnn": (8, 5e-5),
    "allcnn-bn": (8, 5e-5),
    "vit-timm": (8, 1e-3),
    "vit-torchvision": (8, 1e-3),
}


def images(name, batch=BATCH):
    return generator.symmetric(name, (batch, 3, 32, 32), math.sqrt(3))


def labels(batch=BATCH):
    return torch.tensor([(3 * i + 1) % 10 for i in range(batch)])


def rectified_values(model, batch):
    """What enters each ReLU."""
    values = []
    relus = [module for module in model.modules() if isinstance(module, nn.ReLU)]
    # Cloned, since torchvision's ReLUs work in place.
    hooks = [relu.register_forward_pre_hook(lambda _, inputs: values.append(inputs[0].clone())) for relu in relus]
    with torch.no_grad():
        model(batch)
    for hook in hooks:
        hook.remove()
    return values


def smooth_input(model, training):
    """The first input `input.K` at which no unit is within rounding of ReLU's kink.

    One unit on the wrong side of 0 changes gradients by up to 2e-2, and which side that is depends on the order of
    summation: PyTorch's own float32 then differs that much between its two memory layouts.
    """
    single, double = copy.deepcopy(model).train(training), copy.deepcopy(model).double().train(training)
    pairs = zip(rectified_values(single, images("input.0")), rectified_values(double, images("input.0").double()))
    rounding = [(rounded - exact).square().mean().sqrt() for rounded, exact in pairs]
    for index in range(10_000):
        values = rectified_values(double, images(f"input.{index}").double())
        if all(value.abs().min() >= KINK_MARGIN * error for value, error in zip(values, rounding)):
            return index
    raise ValueError("no smooth input found")


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


def fixture(name, model):
    index = {mode: smooth_input(model, mode == "training") for mode in ("inference", "training")}
    batch = {mode: images(f"input.{k}") for mode, k in index.items()}
    # Double precision makes the stored values a reference rather than one more rounding of it.
    reference = copy.deepcopy(model).double()
    result = {f"{mode}.input_index": torch.tensor([k]) for mode, k in index.items()}

    reference.eval()
    result["inference.logits"], _, result["inference.input_gradient"] = loss_and_input_gradient(
        reference, batch["inference"]
    )

    reference.zero_grad()
    reference.train()
    logits, loss, input_gradient = loss_and_input_gradient(reference, batch["training"])
    result["training.logits"] = logits
    result["training.loss"] = loss.reshape(1)
    result["training.input_gradient"] = input_gradient
    for key, parameter in reference.named_parameters():
        result[f"gradient_samples.{key}"] = sampled(parameter.grad)
        result[f"gradient_norm.{key}"] = parameter.grad.norm().reshape(1)

    norms = [key for key, module in reference.named_modules() if isinstance(module, nn.BatchNorm2d)]
    state = reference.state_dict()
    for norm in dict.fromkeys(norms[:1] + norms[-1:]):
        for statistic in ("running_mean", "running_var"):
            result[f"after.{norm}.{statistic}"] = state[f"{norm}.{statistic}"]

    result["adam.losses"] = adam_losses(model, batch["training"], ADAM_LEARNING_RATE)
    result["adam.learning_rate"] = torch.tensor([ADAM_LEARNING_RATE])
    count, learning_rate = DESCENT[name]
    result["descent.losses"] = adam_losses(model, images("descent.input", count), learning_rate)
    result["descent.learning_rate"] = torch.tensor([learning_rate])
    result["descent.batch"] = torch.tensor([count])
    return {key: tensor.float().contiguous().clone() for key, tensor in result.items()}


def main():
    torch.set_num_threads(1)  # one order of summation, so that every run writes the same bytes
    for name, build in NETWORKS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        path = HERE / f"{name}.safetensors"
        save_file(fixture(name, generator.fill(build())), path)
        print(f"{path.name}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
