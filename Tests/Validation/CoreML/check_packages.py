"""Checks what this package writes of the tests' small Core ML models, without PyTorch.

    swift build -c release --package-path Tests/Validation
    python3 Tests/Validation/CoreML/check_packages.py [NAME...]

For each model: scores against PyTorch's, from the fixture; a step of forgetting, and the model written back into its file
and exported anew. coremltools loads both, works out the types of all operations and compares the first with its original:
specification, bytes of the weights that stayed, numbers of those that changed. NumPy computes the programs' scores in
float64. Exits with 1 if something differs. Needs coremltools, numpy and safetensors; takes some seconds.
"""

import argparse
import logging
import pathlib
import sys
import tempfile

logging.disable(logging.WARNING)

import numpy as np  # noqa: E402
from runner import ROOT, check_written, difference, run_program, train  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402

FIXTURES = ROOT / "Tests/Fixtures/CoreML"
MEAN, DEVIATION = np.array([0.4, 0.45, 0.5]), np.array([0.25, 0.25, 0.25])
LIMITS = {"32": 1e-4, "16": 1e-2}


def check(model):
    name = model.stem.removesuffix("-32").removesuffix("-16")
    limit = LIMITS["16" if model.stem.endswith("-16") or name == "five-axes" else "32"]
    fixture = load_file(FIXTURES / f"{name}.safetensors")
    x, weights = fixture["input"], fixture["weights"]
    with tempfile.TemporaryDirectory() as folder:
        results, trained, anew, state = train(str(model), x, weights, folder)
        found = {"logits": difference(results["logits"], fixture["logits"])}
        kept, moved = check_written(model, trained, state)
        if model.suffix == ".mlpackage":
            found["written"] = difference(run_program(trained, x, MEAN, DEVIATION), results["trained_logits"])
        found["anew"] = difference(run_program(anew, x, MEAN, DEVIATION), results["trained_logits"])
        found["moved"] = difference(results["trained_logits"], results["logits"])
    limits = {"logits": limit, "written": limit, "anew": 1e-4}
    above = [key for key, most in limits.items() if key in found and not found[key] <= most]
    text = " ".join(f"{key} {value:.1e}" for key, value in found.items())
    print(f"{model.name:30} {text}  {kept} tensors kept, {moved} changed", *(f"ABOVE {key}" for key in above), flush=True)
    return not above and moved > 0 and found["moved"] > 1e-6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    names = parser.parse_args().names
    models = sorted(path for path in FIXTURES.iterdir() if path.suffix in (".mlpackage", ".mlmodel"))
    models = [path for path in models if not names or any(path.name.startswith(name) for name in names)]
    failed = []
    for model in models:
        try:
            if not check(pathlib.Path(model)):
                failed.append(model.name)
        except AssertionError as error:
            print(f"{model.name:30} FAILED: {error}", flush=True)
            failed.append(model.name)
    sys.exit(1 if failed or not models else 0)


main()
