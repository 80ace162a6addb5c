"""Runs the node tests of the onnx package itself, those that fit a classifier, through the reader.

    swift build -c release --package-path Tests/Validation
    python3 Tests/Validation/ONNX/check_node_suite.py [--verbose] [CASE...]

A case fits if its first input is of 32-bit floats with one to five axes and it gives such numbers. Its other inputs become
stored tensors, its results are flattened to one row an example. Each case is tried in several ways where its shapes allow:
with its first axis as the batch, as a single example behind a batch of one, and with its first result alone. Right: the results are the suite's, to 1e-4 of
their norm, with infinite and undefined numbers at the same places. Exits with 1 if any result is wrong, if the runner
crashes, or if fewer than --least are right. Needs onnx, numpy and safetensors.
"""

import argparse
import collections
import itertools
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[3]
FLOAT = TensorProto.FLOAT


def suite():
    """The cases by name, each a model with inputs and results."""
    warnings.simplefilter("ignore")
    from onnx.backend.test.case.node import collect_testcases

    for case in collect_testcases(None):
        if case.model is not None and case.data_sets:
            inputs, outputs = case.data_sets[0]
            yield case.name, case.model, list(inputs), list(outputs)


def fits(model, inputs, outputs):
    """Whether a case can be made a classifier."""
    kinds = [value.type.WhichOneof("value") for value in list(model.graph.input) + list(model.graph.output)]
    if not inputs or set(kinds) != {"tensor_type"} or any(not isinstance(array(v), np.ndarray) for v in inputs + outputs):
        return False
    first = array(inputs[0])
    return (
        len(model.graph.input) == len(inputs) and model.graph.input[0].type.tensor_type.elem_type == FLOAT
        and 1 <= first.ndim <= 5 and first.size > 0
        and any(v.type.tensor_type.elem_type == FLOAT and array(o).size > 1 for v, o in results(model, outputs))
        and all(entry.domain in ("", "ai.onnx") for entry in model.opset_import))


def array(value):
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value) \
        if isinstance(value, (np.ndarray, np.generic)) else value


def results(model, outputs):
    return list(zip(model.graph.output, outputs))


def wrapped(case, batched, first_alone):
    """The case as a file with one input and one output, its input and its results; None if that cannot be."""
    model, inputs, outputs = case
    x = array(inputs[0])
    rows = len(x) if batched else 1
    graph = onnx.GraphProto()
    graph.CopyFrom(model.graph)
    name = graph.input[0].name
    shape = list(x.shape) if batched else [1, *x.shape]
    wanted = [(v.name, array(o)) for v, o in results(model, outputs)
              if v.type.tensor_type.elem_type == FLOAT and array(o).size > 1]
    if first_alone and len(wanted) < 2:
        return None
    wanted = wanted[:1] if first_alone else wanted
    if not 2 <= len(shape) <= 5 or (batched and any(o.ndim == 0 or len(o) != rows for _, o in wanted)):
        return None
    for value, data in list(zip(graph.input, inputs))[1:]:
        graph.initializer.append(numpy_helper.from_array(array(data), value.name))
    before, after = [], []
    if not batched:
        graph.initializer.append(numpy_helper.from_array(np.array(x.shape, np.int64), "suite.shape"))
        before = [helper.make_node("Reshape", ["suite.x", "suite.shape"], [name])]
        name = "suite.x"
    graph.initializer.append(numpy_helper.from_array(np.array([rows, -1], np.int64), "suite.rows"))
    for output, _ in wanted:
        after.append(helper.make_node("Reshape", [output, "suite.rows"], [f"suite.flat.{output}"]))
    after.append(helper.make_node("Concat", [f"suite.flat.{output}" for output, _ in wanted], ["suite.y"], axis=1))
    nodes = before + list(graph.node) + after
    expected = np.concatenate([o.reshape(rows, -1) for _, o in wanted], axis=1)
    made = helper.make_graph(
        nodes, "case", [helper.make_tensor_value_info(name, FLOAT, shape)],
        [helper.make_tensor_value_info("suite.y", FLOAT, list(expected.shape))], list(graph.initializer))
    whole = helper.make_model(
        made, opset_imports=list(model.opset_import), functions=list(model.functions), ir_version=model.ir_version)
    return whole, x.reshape(shape), expected


def is_right(found, expected):
    if found.shape != expected.shape or not np.array_equal(np.isfinite(found), np.isfinite(expected)):
        return False
    finite = np.isfinite(expected)
    if not np.array_equal(found[~finite], expected[~finite], equal_nan=True):
        return False
    gap = np.linalg.norm(found[finite] - expected[finite])
    # A few results are given with four digits.
    if np.array_equal(expected, np.round(expected, 4)) and np.abs(found - expected).max() <= 1e-4:
        return True
    return bool(gap <= 1e-4 * max(np.linalg.norm(expected[finite]), 1e-3))


def run(runner, folders):
    """Runs all folders in as few processes as there are crashes, and one."""
    rest = list(folders)
    crashed = []
    while rest:
        done = subprocess.run([runner, "logits", *rest], capture_output=True, text=True)
        if done.returncode == 0:
            break
        ends = [any(os.path.exists(os.path.join(f, n)) for n in ("logits.safetensors", "error.txt")) for f in rest]
        place = ends.index(False) if False in ends else len(rest) - 1
        crashed.append(rest[place])
        rest = rest[place + 1:]
    return crashed


def reason(text):
    """What is wrong, without the names of one case."""
    text = re.sub(r"^\S+\.onnx: ", "", text.strip())
    text = re.sub(r"'[^']*'", "'...'", text)
    text = re.sub(r"\[[^\]]*\]", "[...]", text)
    return re.sub(r"-?\d+(\.\d+)?(e-?\d+)?", "#", text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--runner", default=ROOT / "Tests/Validation/.build/release/onnx-runner")
    parser.add_argument("--least", type=int, default=0, help="how many must be right")
    parser.add_argument("--verbose", action="store_true", help="name each case that is refused")
    options = parser.parse_args()
    cases = {name: (model, inputs, outputs) for name, model, inputs, outputs in suite()
             if (not options.cases or name in options.cases) and fits(model, inputs, outputs)}
    with tempfile.TemporaryDirectory() as root:
        trials = {}
        for name, case in cases.items():
            for batched, first_alone in itertools.product((True, False), (False, True)):
                whole = wrapped(case, batched, first_alone)
                if whole is None:
                    continue
                folder = os.path.join(root, f"{name}.{int(batched)}{int(first_alone)}")
                os.mkdir(folder)
                onnx.save(whole[0], os.path.join(folder, "model.onnx"))
                save_file({"input": np.ascontiguousarray(whole[1])}, os.path.join(folder, "input.safetensors"))
                trials[folder] = (name, whole[2])
        crashed = run(options.runner, trials)
        outcomes = collections.defaultdict(list)
        for folder, (name, expected) in trials.items():
            path = os.path.join(folder, "logits.safetensors")
            if folder in crashed:
                outcomes[name].append(("wrong", "the runner crashed"))
            elif os.path.exists(path):
                found = load_file(path)["logits"]
                right = is_right(found, expected)
                detail = "" if right else f"{found.ravel()[:6]} instead of {expected.ravel()[:6]}"
                outcomes[name].append(("right" if right else "wrong", detail))
            else:
                outcomes[name].append(("refused", reason(open(os.path.join(folder, "error.txt")).read())))
    counts = collections.Counter()
    refused = collections.defaultdict(list)
    for name in cases:
        found = outcomes[name]
        kinds = {kind for kind, _ in found}
        kind = "wrong" if "wrong" in kinds else "right" if "right" in kinds else "refused"
        counts[kind] += 1
        if kind == "wrong":
            print(f"{name}: WRONG: {[d for k, d in found if k == 'wrong'][0]}")
        elif kind == "refused":
            refused[found[-1][1] if found else "its shapes fit no batch"].append(name)
    for text, names in sorted(refused.items(), key=lambda pair: -len(pair[1])):
        print(f"{len(names):4d} refused: {text}")
        if options.verbose:
            print("        " + " ".join(names))
    print(f"{len(cases)} cases fit: {counts['right']} right, {counts['refused']} refused, {counts['wrong']} wrong")
    sys.exit(1 if counts["wrong"] or counts["right"] < options.least else 0)


main()
