"""PyTorch twins of the benchmark workloads, by name.

`WORKLOADS[name](options)` prepares a workload once and returns a function that runs one iteration of it.
"""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch.nn.functional import conv2d, cross_entropy

# The tests and the benchmarks compare with the same networks, data and recipe.
sys.path.append(str(Path(__file__).resolve().parents[2] / "Tests" / "PyTorch"))
import fashion_mnist  # noqa: E402
import recipe  # noqa: E402
from networks import AllCNN, resnet18  # noqa: E402

LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
NETWORKS = {
    "resnet18-imagenet": (partial(resnet18, "imagenet"), 256),
    "resnet18-small": (partial(resnet18, "small"), 64),
    "allcnn-bn": (partial(AllCNN, batch_norm=True), 128),
}
CONVOLUTIONS = [(64, 32), (128, 16), (256, 8), (512, 4)]  # ResNet-18's channels and maps on 32x32 images


@dataclass
class Options:
    layout: torch.memory_format = torch.contiguous_format
    data: Path = fashion_mnist.FOLDER


def random(options, *shape):
    return torch.randn(shape).contiguous(memory_format=options.layout)


def gemm(size, options):
    a, b, product = (torch.randn(size, size) for _ in range(3))
    return lambda: torch.mm(a, b, out=product)


def convolution_forward(channels, size, options):
    images = random(options, 64, channels, size, size)
    weights = random(options, channels, channels, 3, 3)

    @torch.inference_mode()
    def run():
        conv2d(images, weights, padding=1)

    return run


def convolution_backward(channels, size, options):
    """Both gradients, of the input and of the weights."""
    images = random(options, 64, channels, size, size).requires_grad_()
    weights = random(options, channels, channels, 3, 3).requires_grad_()
    output = conv2d(images, weights, padding=1)
    gradient = random(options, *output.shape)
    return lambda: torch.autograd.grad(output, (images, weights), gradient, retain_graph=True)


def network(name, options):
    build, batch = NETWORKS[name]
    model = build().to(memory_format=options.layout)
    return model, random(options, batch, 3, 32, 32), torch.randint(10, (batch,))


def training_step(name, options):
    model, images, labels = network(name, options)
    model.train()
    # The fused Adam is PyTorch's fastest on a CPU.
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def run():
        optimizer.zero_grad()
        cross_entropy(model(images), labels).backward()
        optimizer.step()

    return run


def input_gradient(name, options):
    model, images, labels = network(name, options)
    model.eval().requires_grad_(False)
    images.requires_grad_()
    return lambda: torch.autograd.grad(cross_entropy(model(images), labels), images)


def inference(name, options):
    model, images, _ = network(name, options)
    model.eval()

    @torch.inference_mode()
    def run():
        model(images)

    return run


def forgetting(name, options):
    """The paper's whole recipe for one class; untrained weights cost the same time as trained ones."""
    images, labels = fashion_mnist.retained(*fashion_mnist.load(options.data), forgotten=[0])
    model = NETWORKS[name][0]().to(memory_format=options.layout)
    return lambda: recipe.forget(model, [0], images, labels, options.layout)


WORKLOADS = {"gemm/1024": partial(gemm, 1024)}
for channels, size in CONVOLUTIONS:
    WORKLOADS[f"convolution/forward/{channels}x{size}"] = partial(convolution_forward, channels, size)
    WORKLOADS[f"convolution/backward/{channels}x{size}"] = partial(convolution_backward, channels, size)
for name, (_, batch) in NETWORKS.items():
    WORKLOADS[f"training-step/{name}/{batch}"] = partial(training_step, name)
    WORKLOADS[f"input-gradient/{name}/{batch}"] = partial(input_gradient, name)
    WORKLOADS[f"inference/{name}/{batch}"] = partial(inference, name)
WORKLOADS["forgetting/resnet18-imagenet"] = partial(forgetting, "resnet18-imagenet")
