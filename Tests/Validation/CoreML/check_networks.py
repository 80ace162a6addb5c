"""Checks torchvision's classifiers with random weights as coremltools converts them.

    swift build -c release --package-path Tests/Validation
    python3 Tests/Validation/CoreML/check_networks.py [NETWORK...] [--work FOLDER]

Each network as an ML program in float32 and float16 and as a neural network of layers: scores against PyTorch's (1e-4; float16
1e-2); UNSIR makes it forget a class; coremltools loads what was written, whose specification has to equal the original's but for
trained numbers and the note of what was forgotten; weights that training left alone have to be the same bytes, and changed ones
the model's here, rounded to the file's type. The forgotten program's scores are computed in NumPy and float64 too, for the
networks and sizes where that takes seconds. Then the network goes from ONNX to Core ML and back: scores of all three agree.

Differences are relative, of log-probabilities. Exits with 1 if one is above its limit. Needs torch, torchvision, coremltools,
onnx, numpy and safetensors.
"""

import argparse
import contextlib
import io
import logging
import os
import pathlib
import sys
import tempfile
import time
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import coremltools as ct  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from runner import check_written, difference, run_program, swift, train  # noqa: E402
from safetensors.numpy import save_file  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "PyTorch"))
from random_networks import random_network  # noqa: E402

# Height and width of the inputs: small where the network allows.
SIZES = {
    "resnet18": 64, "resnet50": 64, "mobilenet_v2": 64, "efficientnet_b0": 64, "vit_b_16": 64, "convnext_tiny": 64,
    "squeezenet1_1": 64,
}
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.226, 0.226, 0.226])
CLASSES, FORGOTTEN = 10, 3
FORMS = {"program-32": 1e-4, "program-16": 1e-2, "layers-32": 1e-4}


def convert(name, model, form, folder):
    x = torch.zeros(1, 3, SIZES[name], SIZES[name])
    options = {}
    if form.startswith("program"):
        precision = ct.precision.FLOAT16 if form.endswith("16") else ct.precision.FLOAT32
        options = {"compute_precision": precision, "minimum_deployment_target": ct.target.iOS16}
    kind, ending = ("mlprogram", ".mlpackage") if options else ("neuralnetwork", ".mlmodel")
    path = os.path.join(folder, f"{name}-{form}{ending}")
    picture = ct.ImageType(
        "picture", tuple(x.shape), scale=1 / (255 * DEVIATION[0]), bias=list(-MEAN / DEVIATION))
    with contextlib.redirect_stderr(io.StringIO()):
        ct.convert(
            torch.jit.trace(model, x, check_trace=False), inputs=[picture], convert_to=kind,
            classifier_config=ct.ClassifierConfig([f"class {index}" for index in range(CLASSES)]), **options).save(path)
    return path


def check_form(name, model, form, folder):
    limit = FORMS[form]
    source = convert(name, model, form, folder)
    x, weights = torch.randn(2, 3, SIZES[name], SIZES[name]), torch.randn(2, CLASSES)
    with torch.no_grad():
        expected = model(x).numpy()
    results, _, _, _ = train(source, x.numpy(), weights.numpy(), folder)
    found = {"logits": difference(results["logits"], expected)}
    # A class forgotten, with a few pictures of the others.
    retain, after = os.path.join(folder, "retain.safetensors"), os.path.join(folder, "forgotten" + source[source.rfind("."):])
    state = os.path.join(folder, "forgotten.safetensors")
    others = [index for index in range(CLASSES) if index != FORGOTTEN]
    labels = np.array([others[index % len(others)] for index in range(18)], np.float32)
    images = torch.randn(18, 3, SIZES[name], SIZES[name]).numpy()
    save_file({"input": images, "labels": labels}, retain)
    swift("forget", source, retain, FORGOTTEN, after, state)
    kept, moved = check_written(source, after, state)
    again, _, _, _ = train(after, x.numpy(), weights.numpy(), folder)
    found["moved"] = difference(again["logits"], results["logits"])
    limits = {"logits": limit}
    if form.startswith("program"):
        found["numpy"] = difference(run_program(after, x.numpy(), MEAN, DEVIATION), again["logits"])
        limits["numpy"] = limit
    above = [key for key, most in limits.items() if not found[key] <= most]
    report(f"{name} {form}", found, above, f"{kept} tensors kept, {moved} changed")
    return not above and moved > 0 and found["moved"] > 1e-6


def check_onnx(name, model, folder):
    """From ONNX to Core ML and back, through one graph."""
    source, package, back = (os.path.join(folder, "model" + ending) for ending in (".onnx", ".mlpackage", "-back.onnx"))
    x = torch.randn(2, 3, SIZES[name], SIZES[name])
    with contextlib.redirect_stdout(io.StringIO()):
        torch.onnx.export(model, (x[:1],), source, dynamo=False, input_names=["input"], output_names=["output"])
    swift("convert", source, package)
    swift("convert", package, back)
    expected = model(x).detach().numpy()
    found = {"numpy": difference(run_program(package, x.numpy(), MEAN, DEVIATION), expected)}
    for label, path in (("package", package), ("back", back)):
        found[label] = difference(train(path, x.numpy(), np.ones((2, CLASSES), np.float32), folder)[0]["logits"], expected)
    above = [key for key, value in found.items() if not value <= 1e-4]
    report(f"{name} from ONNX", found, above, "")
    return not above


def report(label, found, above, text):
    numbers = " ".join(f"{key} {value:.1e}" for key, value in found.items())
    print(f"{label:28} {numbers}  {text}", *(f"ABOVE {key}" for key in above), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=list(SIZES))
    parser.add_argument("--work", help="a folder for the converted models, which are kept there")
    options = parser.parse_args()
    torch.set_num_threads(2)
    failed = []
    for name in options.networks:
        model, start = random_network(name, CLASSES, SIZES[name]), time.time()
        for form in [*FORMS, "onnx"]:
            with tempfile.TemporaryDirectory(dir=options.work) as folder:
                try:
                    passed = check_onnx(name, model, folder) if form == "onnx" else check_form(name, model, form, folder)
                except AssertionError as error:
                    print(f"{name} {form} FAILED: {error}", flush=True)
                    passed = False
            if not passed:
                failed.append(f"{name} {form}")
        print(f"{name}: {time.time() - start:.0f} s", flush=True)
    print("differs: " + ", ".join(failed) if failed else "all agree")
    sys.exit(1 if failed else 0)


main()
