"""What the Core ML checks share: the Swift side, and comparisons of scores."""

import os
import pathlib
import subprocess

import coremltools as ct
import numpy as np
import programs
from safetensors.numpy import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[3]
RUNNERS = [ROOT / "Tests/Validation/.build/release/onnx-runner", ROOT / ".build/release/onnx-runner"]


def swift(*arguments):
    """Runs onnx-runner, which Tests/Validation's package builds."""
    given = os.environ.get("ONNX_RUNNER")
    runner = given or next((path for path in RUNNERS if path.exists()), None)
    if runner is None:
        raise SystemExit("onnx-runner is not built: swift build -c release --package-path Tests/Validation")
    run = subprocess.run([runner, *map(str, arguments)], capture_output=True, text=True)
    if run.returncode != 0:
        raise AssertionError(run.stderr.strip()[-400:])
    return run.stdout.strip()


def scores(values):
    """Log-probabilities, whether a model gives them, scores or probabilities."""
    values = np.asarray(values, np.float64)
    if (values >= 0).all() and np.allclose(values.sum(-1), 1, atol=1e-3):
        values = np.log(np.maximum(values, 1e-30))
    top = values.max(-1, keepdims=True)
    return values - top - np.log(np.exp(values - top).sum(-1, keepdims=True))


def difference(found, expected):
    found, expected = scores(found), scores(expected)
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def pictures(package, x, mean, deviation):
    """Prepared images as a model takes them: pixels in its order of channels, if it takes pictures."""
    feature = ct.utils.load_spec(str(package)).description.input[0].type
    if feature.WhichOneof("Type") != "imageType":
        return x
    spread = (1, -1, 1, 1)
    pixels = 255 * (x.astype(np.float64) * np.reshape(deviation, spread) + np.reshape(mean, spread))
    blue_first = feature.imageType.colorSpace == feature.imageType.ColorSpace.Value("BGR")
    return pixels[:, ::-1] if blue_first else pixels


def run_program(package, x, mean, deviation):
    """A program's scores, by NumPy."""
    inputs = pictures(package, x, mean, deviation)
    return np.concatenate([programs.run(str(package), inputs[i : i + 1]) for i in range(len(inputs))])


def check_written(before, after, state):
    """Compares what was written with what was read; how many tensors stayed and how many changed."""
    ours = load_file(state)
    if os.path.isdir(before):
        return programs.compare_packages(str(before), str(after), ours)
    return programs.compare_networks(str(before), str(after), ours)


def train(model, x, weights, folder):
    """One step of forgetting in Swift: its results, the model written back, written anew, and its tensors."""
    ending = os.path.splitext(model)[1]
    given, results, state = (os.path.join(folder, name + ".safetensors") for name in ("input", "results", "state"))
    trained, anew = os.path.join(folder, "trained" + ending), os.path.join(folder, "anew.mlpackage")
    save_file({"input": np.ascontiguousarray(x), "weights": np.ascontiguousarray(weights)}, given)
    swift("check", model, given, results, trained, anew, state)
    return load_file(results), trained, anew, state
