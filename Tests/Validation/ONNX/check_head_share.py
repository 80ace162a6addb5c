#!/usr/bin/env python3
"""Checks the head shares of an audit against onnxruntime: the original's last layer on the features of other networks.

    python3 Tests/Validation/ONNX/check_head_share.py --class 8 original.safetensors forgotten.safetensors...

The files are networks of `unlearn train --dataset fashion-mnist` whose last layer is `fc`. Each is written as ONNX, whose
last features onnxruntime computes for the whole test split; NumPy applies both last layers. Shares may differ by 0.002,
which is an answer or two that rounding decides.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

ROOT = Path(__file__).resolve().parents[3]


def images(folder):
    """The test split as the networks take it: 32 x 32 pixels, three equal channels, normalized."""
    pixels = np.frombuffer(gzip.open(folder / "t10k-images-idx3-ubyte.gz").read()[16:], np.uint8)
    labels = np.frombuffer(gzip.open(folder / "t10k-labels-idx1-ubyte.gz").read()[8:], np.uint8)
    padded = np.pad(pixels.reshape(-1, 28, 28) / 255, ((0, 0), (2, 2), (2, 2)))
    return np.repeat(((padded - 0.286) / 0.353)[:, None], 3, axis=1).astype(np.float32), labels


def network(unlearn, path, pixels):
    """Features, weights and biases of the last layer."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model.onnx"
        subprocess.run([unlearn, "convert", path, target], check=True, stdout=subprocess.DEVNULL)
        model = onnx.load(target)
    head = next(node for node in model.graph.node if node.op_type == "Gemm" and "fc.weight" in node.input)
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    model.graph.output.append(onnx.helper.make_tensor_value_info(head.input[0], onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    name = session.get_inputs()[0].name
    features = np.concatenate([
        session.run([head.input[0]], {name: pixels[start : start + 500]})[0] for start in range(0, len(pixels), 500)])
    return features.reshape(len(pixels), -1), tensors["fc.weight"], tensors["fc.bias"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("original", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--class", dest="label", type=int, required=True)
    parser.add_argument("--unlearn", type=Path, default=ROOT / ".build/release/unlearn")
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    arguments = parser.parse_args()
    pixels, labels = images(arguments.data)

    def recognition(features, weight, bias):
        given = (features @ weight.T + bias).argmax(axis=1) == arguments.label
        own = labels == arguments.label
        return given[own].mean() - given[~own].mean()

    features, weight, bias = network(arguments.unlearn, arguments.original, pixels)
    before = recognition(features, weight, bias)
    wrong = 0
    for path in arguments.models:
        features, own_weight, own_bias = network(arguments.unlearn, path, pixels)
        after = recognition(features, own_weight, own_bias)
        expected = {"head-share-bias": recognition(features, own_weight, bias),
                    "head-share-layer": recognition(features, weight, bias)}
        audit = subprocess.run(
            [arguments.unlearn, "audit", arguments.original, path, "--dataset", "fashion-mnist", "--forgotten",
             str(arguments.label), "--skip-duplicate-check", "--json"], stdout=subprocess.PIPE)
        measures = json.loads(audit.stdout)["audit"]["measures"]
        for measure in measures:
            name = measure["measure"]["identifier"]
            if name in expected and measure.get("unlearned"):
                share, found = (expected[name] - after) / (before - after), measure["unlearned"]["value"]
                differs = abs(share - found) > 0.002
                wrong += differs
                print(f"{path.stem:24} {name:18} onnxruntime {share:8.4f}  audit {found:8.4f}{'  DIFFERS' if differs else ''}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
