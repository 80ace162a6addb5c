"""Writes what PyTorch computes for each network with generated weights; keys are listed in ../README.md.

Run from anywhere: python3 make_fixtures.py
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
}
INPUT = generator.symmetric("input", (4, 3, 32, 32), math.sqrt(3))
LABELS = torch.tensor([(3 * i + 1) % 10 for i in range(4)])
SAMPLES = 64
# Batch norm over four images amplifies rounding: at 1e-3 PyTorch's own float32 losses leave float64's by half
# within ten steps (ResNet-18, imagenet stem), at 3e-6 by 2e-4 at most, in either layout.
ADAM_LEARNING_RATE = 3e-6


def loss_and_input_gradient(model):
    """Mean cross-entropy of the model's current mode; parameter gradients are left in the model."""
    images = INPUT.double().requires_grad_()
    logits = model(images)
    loss = cross_entropy(logits, LABELS)
    loss.backward()
    return logits.detach(), loss.detach(), images.grad


def sampled(tensor):
    """At most 64 entries, evenly spread, so that large weights leave small fixtures."""
    flat = tensor.flatten()
    stride = max(1, flat.numel() // SAMPLES)
    return flat[::stride][:SAMPLES]


def adam_losses(model, steps=10):
    """Losses before each step on one batch: a trajectory shows errors that one step hides."""
    model = copy.deepcopy(model).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=ADAM_LEARNING_RATE)
    losses = []
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = cross_entropy(model(INPUT.double()), LABELS)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses)


def fixture(model):
    # Double precision makes the stored values a reference rather than one more rounding of it.
    reference = copy.deepcopy(model).double()
    result = {}

    reference.eval()
    result["logits"], _, result["inference.input_gradient"] = loss_and_input_gradient(reference)

    reference.zero_grad()
    reference.train()
    logits, loss, input_gradient = loss_and_input_gradient(reference)
    result["training.logits"] = logits
    result["training.loss"] = loss.reshape(1)
    result["training.input_gradient"] = input_gradient
    for name, parameter in reference.named_parameters():
        result[f"gradient_samples.{name}"] = sampled(parameter.grad)
        result[f"gradient_norm.{name}"] = parameter.grad.norm().reshape(1)

    norms = [name for name, module in reference.named_modules() if isinstance(module, nn.BatchNorm2d)]
    state = reference.state_dict()
    for norm in dict.fromkeys(norms[:1] + norms[-1:]):
        for statistic in ("running_mean", "running_var"):
            result[f"after.{norm}.{statistic}"] = state[f"{norm}.{statistic}"]

    result["adam.losses"] = adam_losses(model)
    result["adam.learning_rate"] = torch.tensor([ADAM_LEARNING_RATE])
    return {name: tensor.float().contiguous().clone() for name, tensor in result.items()}


def main():
    torch.set_num_threads(1)  # one order of summation, so that every run writes the same bytes
    for name, build in NETWORKS.items():
        path = HERE / f"{name}.safetensors"
        save_file(fixture(generator.fill(build())), path)
        print(f"{path.name}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
