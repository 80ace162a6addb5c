"""Writes two-heads.onnx: a small network for images of 4x4 with two classifiers of ten classes, `y` and `aux`.

    python3 Tests/Fixtures/ONNX/make_two_heads.py

`share` is the softmax of `y`, so of the same classifier. Needs onnx and numpy.
"""

import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = os.path.dirname(os.path.abspath(__file__))


def main():
    random = np.random.default_rng(1)
    normal = lambda *shape: random.normal(size=shape).astype(np.float32)
    head = normal(10, 8)
    tensors = {
        "conv.weight": normal(8, 1, 3, 3), "head.weight": head, "head.bias": normal(10),
        "aux.weight": head + 0.1 * normal(10, 8), "aux.bias": normal(10),
    }
    nodes = [
        helper.make_node("Conv", ["x", "conv.weight"], ["c"], pads=[1, 1, 1, 1]), helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]), helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "head.weight", "head.bias"], ["y"], transB=1),
        helper.make_node("Gemm", ["f", "aux.weight", "aux.bias"], ["aux"], transB=1),
        helper.make_node("Softmax", ["y"], ["share"], axis=-1),
    ]
    row = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 10])
    graph = helper.make_graph(
        nodes, "two-heads", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 4, 4])],
        [row("y"), row("share"), row("aux")], [numpy_helper.from_array(v, k) for k, v in tensors.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, os.path.join(FOLDER, "two-heads.onnx"))


main()
