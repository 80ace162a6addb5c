"""PyTorch twins of the benchmark workloads, by name.

`prepared(name, options)` prepares a workload once and returns a function that runs one iteration of it and returns
what it took by phase, or nothing.
"""

import sys
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch.nn.functional import conv2d, cross_entropy

# The tests and the benchmarks compare with the same networks, data and recipe.
sys.path.append(str(Path(__file__).resolve().parents[2] / "Tests" / "Validation" / "PyTorch"))
import fashion_mnist  # noqa: E402
import recipe  # noqa: E402
from networks import AllCNN, mobilenet_v2, resnet, resnet18, vit_tiny  # noqa: E402

LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
NETWORKS = {
    "resnet18-imagenet": partial(resnet18, "imagenet"),
    "resnet18-small": partial(resnet18, "small"),
    "allcnn-bn": partial(AllCNN, batch_norm=True),
    "vit-tiny": vit_tiny,
    "mobilenetv2": mobilenet_v2,
    "resnet50": partial(resnet, "resnet50"),
}


@dataclass
class Options:
    layout: torch.memory_format = torch.contiguous_format
    data: Path = fashion_mnist.FOLDER
    precision: str = "float32"
    compiled: bool = False

    def products(self):
        """The context of forward passes: in bfloat16 PyTorch's autocast chooses what is computed in it."""
        return torch.autocast("cpu", torch.bfloat16) if self.precision == "bfloat16" else nullcontext()


def random(options, *shape):
    return torch.randn(shape).contiguous(memory_format=options.layout)


def gemm(size, options):
    a, b, product = (torch.randn(size, size) for _ in range(3))

    def run():
        if options.precision == "bfloat16":
            with options.products():
                torch.mm(a, b)
        else:
            torch.mm(a, b, out=product)

    return run


def convolution_forward(channels, size, options):
    images = random(options, 64, channels, size, size)
    weights = random(options, channels, channels, 3, 3)

    @torch.inference_mode()
    def run():
        with options.products():
            conv2d(images, weights, padding=1)

    return run


def convolution_backward(channels, size, options):
    """Both gradients, of the input and of the weights."""
    images = random(options, 64, channels, size, size).requires_grad_()
    weights = random(options, channels, channels, 3, 3).requires_grad_()
    with options.products():
        output = conv2d(images, weights, padding=1)
    gradient = random(options, *output.shape).to(output.dtype)

    def run():
        torch.autograd.grad(output, (images, weights), gradient, retain_graph=True)

    return run


def network(name, batch, size, options):
    model = NETWORKS[name]().to(memory_format=options.layout)
    # Every iteration has the same shapes. The first one compiles and is not counted.
    model = torch.compile(model, dynamic=False) if options.compiled else model
    return model, random(options, batch, 3, size, size), torch.randint(10, (batch,))


def training_step(name, batch, size, options):
    model, images, labels = network(name, batch, size, options)
    model.train()
    # The fused Adam is PyTorch's fastest on a CPU.
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def run():
        optimizer.zero_grad()
        with options.products():
            loss = cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()

    return run


def input_gradient(name, batch, size, options):
    model, images, labels = network(name, batch, size, options)
    model.eval().requires_grad_(False)
    images.requires_grad_()

    def run():
        with options.products():
            loss = cross_entropy(model(images), labels)
        torch.autograd.grad(loss, images)

    return run


def inference(name, batch, size, options):
    model, images, _ = network(name, batch, size, options)
    model.eval()

    @torch.inference_mode()
    def run():
        with options.products():
            model(images)

    return run


def forgetting(name, classes, options):
    """The paper's whole recipe for the first classes; untrained weights cost the same time as trained ones."""
    forgotten = list(range(classes))
    images, labels = fashion_mnist.retained(*fashion_mnist.load(options.data), forgotten)
    model = NETWORKS[name]().to(memory_format=options.layout)

    def run():
        with options.products():
            return recipe.forget(model, forgotten, images, labels, options.layout)[1]

    return run


CONVOLUTIONS = {"forward": convolution_forward, "backward": convolution_backward}
KINDS = {"training-step": training_step, "input-gradient": input_gradient, "inference": inference}
# The names that are compared if no others are asked for: ResNet-18's channels and maps on 32x32 images, and networks.
WORKLOADS = [
    "gemm/1024",
    *(f"convolution/{name}/{sizes}" for sizes in ("64x32", "128x16", "256x8", "512x4") for name in CONVOLUTIONS),
    *(f"{kind}/{name}" for name in ("resnet18-imagenet/256", "resnet18-small/64", "allcnn-bn/128") for kind in KINDS),
    *(f"{kind}/vit-tiny/128" for kind in ("training-step", "inference")),
    "training-step/mobilenetv2/128",
    *(f"{kind}/resnet50/8x224" for kind in ("training-step", "inference")),
    "forgetting/resnet18-imagenet",
]


def prepared(workload, options):
    match workload.split("/"):
        case ["gemm", size]:
            return gemm(int(size), options)
        case ["convolution", name, sizes] if name in CONVOLUTIONS:
            channels, size = map(int, sizes.split("x"))
            return CONVOLUTIONS[name](channels, size, options)
        case [kind, name, sizes] if kind in KINDS and name in NETWORKS:
            batch, size = map(int, f"{sizes}x32".split("x")[:2])
            return KINDS[kind](name, batch, size, options)
        case ["forgetting", name, *classes] if name in NETWORKS and len(classes) < 2:
            return forgetting(name, int(classes[0]) if classes else 1, options)
    raise ValueError(f"unknown workload {workload}: choose one of {', '.join(WORKLOADS)}, or other sizes in their form")
