"""Checks every architecture at its full size against torchvision and timm, in both directions.

    python3 Tests/Validation/PyTorch/check_architectures.py --work /tmp/architectures [NAME ...]

PyTorch makes a network with random weights, `unlearn predict` computes the logits of its file; then `unlearn train`
makes one, PyTorch loads it with strict=True and computes the logits of ours. Run by hand: it writes gigabytes.
"""

import argparse
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
import torchvision.models
from safetensors.torch import load_file, save_file

import networks

ROOT = Path(__file__).resolve().parents[3]
RELATIVE = 1e-4
CLASSES = 10


@dataclass
class Case:
    build: object
    size: int = 224


def torchvision_model(name):
    return Case(lambda: getattr(torchvision.models, name)(num_classes=CLASSES))


def timm_model(name):
    return Case(lambda: timm.create_model(name, pretrained=False, num_classes=CLASSES))


CASES = {
    "resnet18": torchvision_model("resnet18"),
    "resnet34": torchvision_model("resnet34"),
    "resnet50": torchvision_model("resnet50"),
    "resnet50:stem=small": Case(lambda: networks.resnet("resnet50", "small"), 32),
    "mobilenet_v2": torchvision_model("mobilenet_v2"),
    "mobilenet_v2:width=1.4": Case(lambda: networks.mobilenet_v2(width=1.4)),
    "mobilenet_v2:width=0.35,stem=small": Case(lambda: networks.mobilenet_v2("small", width=0.35), 32),
    "densenet121": torchvision_model("densenet121"),
    "densenet169": torchvision_model("densenet169"),
    "densenet201": torchvision_model("densenet201"),
    "vgg16_bn": torchvision_model("vgg16_bn"),
    # Of another size than 32 times 7, adaptive pooling has work to do.
    "vgg16_bn at 160": Case(lambda: torchvision.models.vgg16_bn(num_classes=CLASSES), 160),
    "efficientnet_lite0": timm_model("efficientnet_lite0"),
    "tf_efficientnet_lite0": timm_model("tf_efficientnet_lite0"),
    "resnet50 of timm": timm_model("resnet50"),
    "vit_tiny_patch16_224": timm_model("vit_tiny_patch16_224"),
    "vit_b_16": torchvision_model("vit_b_16"),
}


def unlearn(arguments, *words):
    command = [str(arguments.unlearn), *map(str, words), "--threads", str(arguments.threads)]
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode != 0:
        raise RuntimeError((finished.stderr.strip().splitlines() or ["nothing on standard error"])[-1])


def settled(model, size):
    """Moves running statistics to what random images give, as training would, so that they take part."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.5
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.3, 0.3)
        elif isinstance(module, torch.nn.Linear) and not module.weight.any():
            torch.nn.init.normal_(module.weight, std=0.02)  # torchvision's transformer starts with a head of zeros
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(4, 3, size, size))
    return model.eval()


def our_logits(arguments, weights, images, *words):
    inputs, outputs = arguments.work / "input.safetensors", arguments.work / "logits.safetensors"
    save_file({"input": images}, inputs)
    outputs.unlink(missing_ok=True)  # a file of an earlier run must not pass for this one's
    unlearn(arguments, "predict", weights, *words, "--input", inputs, "--logits", outputs)
    return load_file(outputs)["logits"]


def difference(ours, model, images):
    """In relative norm, against PyTorch in double precision."""
    with torch.inference_mode():
        expected = model.double().eval()(images.double())
    return ((ours - expected).norm() / expected.norm()).item()


def from_pytorch(arguments, name, case):
    weights = arguments.work / "torch.safetensors"
    model = settled(case.build(), case.size)
    save_file(model.state_dict(), weights)
    images = torch.randn(3, 3, case.size, case.size)
    ours = our_logits(arguments, weights, images, "--architecture", name, "--image-size", case.size)
    return difference(ours, model, images)


def write_images(folder, count, size=32):
    """Random gray images as IDX files."""
    labels = torch.arange(count) % CLASSES
    pixels = torch.randint(256, (count, size, size), dtype=torch.uint8)
    paths = folder / "images", folder / "labels"
    paths[0].write_bytes(struct.pack(">4I", 0x803, count, size, size) + pixels.numpy().tobytes())
    paths[1].write_bytes(struct.pack(">2I", 0x801, count) + labels.to(torch.uint8).numpy().tobytes())
    return f"idx:{paths[0]},{paths[1]}"


def to_pytorch(arguments, name, case):
    """Two steps, so that every tensor has moved; on 32x32 images unless positions are learned."""
    size = case.size if name.startswith("vit_") else 32
    weights = arguments.work / "trained.safetensors"
    dataset = write_images(arguments.work, 2 * CLASSES)
    words = ["--epochs", 1, "--batch-size", CLASSES, "--image-size", size, "--output", weights]
    unlearn(arguments, "train", "--dataset", dataset, "--architecture", name, *words)
    model = case.build()
    model.load_state_dict(load_file(weights), strict=True)
    images = torch.randn(3, 3, size, size)
    return difference(our_logits(arguments, weights, images), model, images)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"all if left out: {', '.join(CASES)}")
    parser.add_argument("--unlearn", type=Path, default=ROOT / ".build" / "release" / "unlearn")
    parser.add_argument("--work", type=Path, required=True, help="folder for models and results")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    if not arguments.unlearn.is_file():
        sys.exit(f"{arguments.unlearn} is missing: run `swift build -c release`, or name it with --unlearn PATH")
    arguments.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    failed = False
    for key in arguments.names or CASES:
        name = key.split(" ")[0]
        for direction, check in (("from PyTorch", from_pytorch), ("to PyTorch", to_pytorch)):
            try:
                error = check(arguments, name, CASES[key])
                passed = error <= RELATIVE  # false for NaN
                text = f"{error:.1e}"
            except (KeyError, OSError, RuntimeError) as failure:  # RuntimeError is what strict loading raises
                passed, text = False, " ".join(str(failure).split())
            failed |= not passed
            print(f"{key:<36} {direction:<13} {'PASS' if passed else 'FAIL'}  {text}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
