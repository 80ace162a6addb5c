"""Checks single operators in all their variants against onnxruntime: read, written back and written anew.

    swift build -c release --package-path Tests/Validation
    python3 Tests/Validation/ONNX/check_operators.py [CASE...]

Each case is a graph of one or a few nodes between an image and a flattening with a product, which gives one row of
scores an example; so the order of the numbers is checked too. Exits with 1 if a difference is above 1e-4. Needs onnx,
onnxruntime, numpy and safetensors.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[3]
RANDOM = np.random.default_rng(7)
CASES = {}


def tensor(*shape):
    return RANDOM.uniform(-1, 1, shape).astype(np.float32)


def node(operation, inputs, output, **attributes):
    return helper.make_node(operation, inputs, [output] if isinstance(output, str) else output, **attributes)


def case(name, nodes, constants=None, shape=(4, 6, 5), opset=17, classes=5):
    """A case: nodes from `x` to `z`."""
    CASES[name] = (nodes, constants or {}, shape, opset)


def ints(*values):
    return np.array(values, dtype=np.int64)


for groups, kernel, attributes in [
    (1, (3, 3), {}), (2, (3, 1), {"pads": [1, 0, 2, 1]}), (4, (3, 3), {"dilations": [2, 1], "pads": [2, 1, 2, 1]}),
    (1, (2, 3), {"strides": [2, 1], "auto_pad": "SAME_UPPER"}), (1, (2, 2), {"strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    (1, (3, 2), {"auto_pad": "VALID", "strides": [1, 2]}),
]:
    name = f"Conv {groups} {kernel} " + " ".join(map(str, attributes.values()))
    case(name, [node("Conv", ["x", "w", "b"], "z", group=groups, **attributes)],
         {"w": tensor(8, 4 // groups, *kernel), "b": tensor(8)})
case("Conv rows", [node("Conv", ["x", "w"], "z", pads=[1, 1])], {"w": tensor(3, 4, 3)}, shape=(4, 9))
for mode in ("MaxPool", "AveragePool"):
    for attributes in [{}, {"strides": [2, 2], "pads": [1, 1, 1, 1]}, {"strides": [2, 2], "ceil_mode": 1},
                       {"strides": [2, 2], "auto_pad": "SAME_UPPER"}]:
        case(f"{mode} " + " ".join(map(str, attributes.values())),
             [node(mode, ["x"], "z", kernel_shape=[3, 2] if not attributes else [2, 2], **attributes)])
case("AveragePool counts padding",
     [node("AveragePool", ["x"], "z", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)])
for mode in ("GlobalAveragePool", "GlobalMaxPool"):
    case(mode, [node(mode, ["x"], "z")])
case("BatchNormalization", [node("BatchNormalization", ["x", "s", "b", "m", "v"], "z", epsilon=0.01)],
     {"s": tensor(4), "b": tensor(4), "m": tensor(4), "v": np.abs(tensor(4)) + 0.5})
case("BatchNormalization of features", [
    node("Flatten", ["x"], "f"), node("BatchNormalization", ["f", "s", "b", "m", "v"], "z")],
     {"s": tensor(120), "b": tensor(120), "m": tensor(120), "v": np.abs(tensor(120)) + 0.5})
case("InstanceNormalization", [node("InstanceNormalization", ["x", "s", "b"], "z")], {"s": tensor(4), "b": tensor(4)})
case("GroupNormalization", [node("GroupNormalization", ["x", "s", "b"], "z", num_groups=2)],
     {"s": tensor(4), "b": tensor(4)}, opset=21)
case("LayerNormalization last", [node("LayerNormalization", ["x", "s", "b"], "z")], {"s": tensor(5), "b": tensor(5)})
case("LayerNormalization all", [node("LayerNormalization", ["x", "s"], "z", axis=1)], {"s": tensor(4, 6, 5)})
case("LayerNormalization spelled", [
    node("ReduceMean", ["x"], "m", axes=[-1]), node("Sub", ["x", "m"], "d"), node("Pow", ["d", "two"], "p"),
    node("ReduceMean", ["p"], "v", axes=[-1]), node("Add", ["v", "e"], "ve"), node("Sqrt", ["ve"], "r"),
    node("Div", ["d", "r"], "q"), node("Mul", ["q", "s"], "t"), node("Add", ["t", "b"], "z")],
     {"two": np.float32(2), "e": np.float32(1e-3), "s": tensor(5), "b": tensor(5)})
for axis in (1, 2, 3, -1):
    case(f"Softmax {axis}", [node("Softmax", ["x"], "z", axis=axis)])
    case(f"Softmax {axis} of set 11", [node("Softmax", ["x"], "z", axis=axis)], opset=11)
case("LogSoftmax", [node("LogSoftmax", ["x"], "z", axis=1)])
for name, attributes in [
    ("Relu", {}), ("LeakyRelu", {"alpha": 0.2}), ("Elu", {"alpha": 0.7}), ("Sigmoid", {}), ("HardSigmoid", {}),
    ("HardSwish", {}), ("Tanh", {}), ("Erf", {}), ("Softplus", {}), ("Exp", {}), ("Neg", {}), ("Abs", {}),
]:
    case(name, [node(name, ["x"], "z", **attributes)])
for name, attributes in [
    ("Selu", {}), ("Celu", {"alpha": 0.7}), ("Softsign", {}), ("ThresholdedRelu", {"alpha": 0.3}),
    ("Shrink", {"lambd": 0.4, "bias": 0.2}), ("Sin", {}), ("Cos", {}), ("Tan", {}), ("Atan", {}), ("Sinh", {}), ("Cosh", {}),
    ("Asinh", {}), ("Sign", {}), ("Floor", {}), ("Ceil", {}), ("Round", {}),
]:
    case(name, [node(name, ["x"], "z", **attributes)])
case("Mish", [node("Mish", ["x"], "z")], opset=18)
for name in ("Asin", "Acos", "Atanh"):
    case(name, [node("Tanh", ["x"], "t"), node("Mul", ["t", "c"], "s"), node(name, ["s"], "z")], {"c": np.float32(0.9)})
case("Acosh", [node("Exp", ["x"], "e"), node("Add", ["e", "c"], "s"), node("Acosh", ["s"], "z")], {"c": np.float32(1.1)})
for name in ("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"):
    case(f"{name} as a factor", [
        node("Floor", ["x"], "a"), node("Neg", ["x"], "n"), node("Ceil", ["n"], "b"), node(name, ["a", "b"], "t"),
        node("Cast", ["t"], "c", to=1), node("Mul", ["x", "c"], "z")])
case("Where of values", [
    node("Greater", ["x", "c"], "t"), node("Exp", ["x"], "e"), node("Neg", ["x"], "n"), node("Where", ["t", "e", "n"], "z")],
     {"c": tensor(4, 1, 1)})
case("Where of a mask", [node("Where", ["m", "x", "c"], "z")], {"m": tensor(4, 6, 5) > 0, "c": np.float32(0.5)})
case("Where of masks joined", [
    node("Less", ["x", "c"], "a"), node("Greater", ["x", "d"], "b"), node("Or", ["a", "b"], "o"), node("Xor", ["o", "a"], "t"),
    node("Not", ["t"], "n"), node("And", ["n", "o"], "m"), node("Where", ["m", "x", "c"], "z")],
     {"c": np.float32(-0.5), "d": np.float32(0.5)})
case("IsNaN of a softmax", [
    node("Softmax", ["x"], "s", axis=-1), node("IsNaN", ["s"], "t"), node("Where", ["t", "c", "s"], "z")], {"c": np.float32(0)})
case("LRN", [node("LRN", ["x"], "z", size=3, alpha=0.5, beta=0.6, bias=1.2)])
for p in (1, 2):
    case(f"LpPool {p}", [node("LpPool", ["x"], "z", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 0, 1], p=p)])
    case(f"GlobalLpPool {p}", [node("GlobalLpPool", ["x"], "z", p=p)])
    case(f"LpNormalization {p}", [node("LpNormalization", ["x"], "z", axis=1, p=p)])
for mode in ("DCR", "CRD"):
    case(f"DepthToSpace {mode}", [node("DepthToSpace", ["x"], "z", blocksize=2, mode=mode)], shape=(8, 3, 5))
case("SpaceToDepth", [node("SpaceToDepth", ["x"], "z", blocksize=2)], shape=(4, 6, 4))
case("Tile", [node("Tile", ["x", "r"], "t"), node("Exp", ["t"], "z")], {"r": ints(1, 1, 2, 3)})
case("Mean", [node("Exp", ["x"], "e"), node("Mean", ["x", "e", "x"], "z")])
for name in ("ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp"):
    for axes, keep in [([2, 3], 1), ([1], 0)]:
        case(f"{name} {axes} {keep}", [node(name, ["x"], "z", axes=axes, keepdims=keep)])
case("ReduceLogSum", [node("Exp", ["x"], "e"), node("ReduceLogSum", ["e"], "z", axes=[2])])
case("Grids of whole numbers", [
    node("Sub", ["i", "j"], "k"), node("Cast", ["k"], "f", to=1), node("Add", ["x", "f"], "z")],
     {"i": np.arange(6).reshape(6, 1), "j": np.arange(5).reshape(1, 5)})
case("Gelu", [node("Gelu", ["x"], "z")], opset=20)
case("Gelu tanh", [node("Gelu", ["x"], "z", approximate="tanh")], opset=20)
case("Gelu spelled", [
    node("Div", ["x", "r"], "a"), node("Erf", ["a"], "e"), node("Add", ["e", "one"], "g"), node("Mul", ["x", "g"], "p"),
    node("Mul", ["p", "half"], "z")], {"r": np.float32(2 ** 0.5), "one": np.float32(1), "half": np.float32(0.5)})
case("HardSwish spelled", [
    node("Add", ["x", "three"], "a"), node("Clip", ["a", "zero", "six"], "c"), node("Mul", ["x", "c"], "p"),
    node("Div", ["p", "six"], "z")], {"three": np.float32(3), "zero": np.float32(0), "six": np.float32(6)})
case("Swish spelled", [node("Sigmoid", ["x"], "s"), node("Mul", ["s", "x"], "z")])
case("Gate of another", [node("Sigmoid", ["x"], "s"), node("Neg", ["x"], "n"), node("Mul", ["s", "n"], "z")])
case("Log Sqrt Reciprocal", [
    node("Exp", ["x"], "e"), node("Log", ["e"], "l"), node("Sqrt", ["e"], "s"), node("Reciprocal", ["s"], "r"),
    node("Add", ["l", "r"], "z")])
case("Clip one side", [node("Clip", ["x", "", "m"], "z")], {"m": np.float32(0.3)})
case("Clip both", [node("Clip", ["x", "l", "m"], "z")], {"l": np.float32(-0.2), "m": np.float32(0.3)})
case("PRelu channels", [node("PRelu", ["x", "s"], "z")], {"s": tensor(4, 1, 1)})
case("PRelu one", [node("PRelu", ["x", "s"], "z")], {"s": tensor(1)})
case("PRelu all", [node("PRelu", ["x", "s"], "z")], {"s": tensor(4, 6, 5)})
case("Dropout", [node("Dropout", ["x"], "z")])
for name in ("Add", "Sub", "Mul", "Div", "Min", "Max"):
    for shape in ((), (1,), (4, 1, 1), (5,), (6, 1), (4, 6, 5), (1, 4, 1, 5)):
        constant = tensor(*shape) + (2 if name == "Div" else 0)
        case(f"{name} constant {shape}", [node(name, ["x", "c"], "z")], {"c": np.asarray(constant, np.float32)})
    case(f"{name} turned", [node(name, ["c", "e"], "z"), node("Exp", ["x"], "e")][::-1], {"c": tensor(4, 1, 1)})
    case(f"{name} values", [
        node("Exp", ["x"], "e"), node("ReduceMean", ["e"], "m", axes=[2, 3]), node(name, ["e", "m"], "z")])
    case(f"{name} maps", [
        node("Exp", ["x"], "e"), node("ReduceMean", ["e"], "m", axes=[1]), node(name, ["m", "e"], "z")])
case("Outer", [
    node("ReduceMean", ["x"], "m", axes=[2, 3]), node("ReduceMean", ["x"], "n", axes=[1]), node("Mul", ["m", "n"], "z")])
case("Pow constant", [node("Exp", ["x"], "e"), node("Pow", ["e", "c"], "z")], {"c": tensor(4, 1, 1)})
case("Pow number", [node("Exp", ["x"], "e"), node("Pow", ["e", "c"], "z")], {"c": np.float32(1.5)})
case("Sum", [node("Neg", ["x"], "n"), node("Exp", ["x"], "e"), node("Sum", ["x", "n", "e"], "z")])
for name in ("ReduceMean", "ReduceMax"):
    for axes, keep in [([2, 3], 1), ([1], 1), ([-1], 0), ([1, 2, 3], 1), ([1, 3], 0), ([2], 0)]:
        case(f"{name} {axes} {keep}", [node(name, ["x"], "z", axes=axes, keepdims=keep)])
case("ReduceSum", [node("ReduceSum", ["x", "a"], "z", keepdims=0)], {"a": ints(1, 2)})
case("ReduceMean by input", [node("ReduceMean", ["x", "a"], "z")], {"a": ints(-1)}, opset=18)
for order in ([0, 2, 3, 1], [0, 3, 1, 2], [0, 2, 1, 3]):
    case(f"Transpose {order}", [node("Transpose", ["x"], "t", perm=order), node("Exp", ["t"], "z")])
for shape in ([0, 24, 5], [-1, 2, 60], [0, 2, 2, 6, 5], [0, 0, -1], [0, 3, 40]):
    case(f"Reshape {shape}", [node("Reshape", ["x", "s"], "r"), node("Softmax", ["r"], "z", axis=-1)], {"s": ints(*shape)})
case("Reshape of turned", [
    node("Transpose", ["x"], "t", perm=[0, 3, 1, 2]), node("Reshape", ["t", "s"], "r"), node("Softmax", ["r"], "z", axis=1)],
     {"s": ints(0, 10, -1)})
case("Channel shuffle", [
    node("Reshape", ["x", "s"], "r"), node("Transpose", ["r"], "t", perm=[0, 2, 1, 3, 4]), node("Reshape", ["t", "u"], "v"),
    node("Conv", ["v", "w"], "z")], {"s": ints(0, 2, 2, 6, 5), "u": ints(0, 4, 6, 5), "w": tensor(3, 4, 1, 1)})
case("Squeeze Unsqueeze", [
    node("ReduceMean", ["x"], "m", axes=[2]), node("Squeeze", ["m", "a"], "q"), node("Unsqueeze", ["q", "b"], "u"),
    node("Mul", ["x", "u"], "z")], {"a": ints(2), "b": ints(2)})
case("Expand", [node("ReduceMean", ["x"], "m", axes=[3]), node("Expand", ["m", "s"], "e"), node("Exp", ["e"], "z")],
     {"s": ints(1, 1, 1, 7)})
for axis in (1, 2, 3, -1):
    case(f"Concat {axis}", [node("Exp", ["x"], "e"), node("Concat", ["x", "e", "x"], "z", axis=axis)])
case("Concat constant", [
    node("Shape", ["x"], "sh"), node("Slice", ["sh", "zero", "one"], "n"), node("Concat", ["n", "rest"], "target", axis=0),
    node("Expand", ["c", "target"], "e"), node("Concat", ["e", "x"], "z", axis=1)],
     {"zero": ints(0), "one": ints(1), "rest": ints(2, 6, 5), "c": tensor(1, 2, 6, 5)})
case("Split", [node("Split", ["x", "s"], ["a", "b"], axis=2), node("Concat", ["b", "a"], "z", axis=2)], {"s": ints(2, 4)})
case("Split evenly", [node("Split", ["x"], ["a", "b"], axis=1), node("Mul", ["a", "b"], "z")])
for start, end, axis, step in [(1, 3, 1, 1), (0, 100, 2, 2), (-2, 1 << 60, 3, 1), (4, -100, 3, -2), (-1, 0, 2, -1)]:
    case(f"Slice {start} {end} {axis} {step}", [node("Slice", ["x", "s", "e", "a", "t"], "z")],
         {"s": ints(start), "e": ints(end), "a": ints(axis), "t": ints(step)})
case("Slice several", [node("Slice", ["x", "s", "e", "a"], "z")], {"s": ints(1, 1), "e": ints(3, -1), "a": ints(1, -1)})
case("Gather one", [node("Gather", ["x", "i"], "z", axis=2)], {"i": np.array(-1, np.int64)})
case("Gather some", [node("Gather", ["x", "i"], "z", axis=1)], {"i": ints(1, 2)})
case("Gather in any order", [node("Gather", ["x", "i"], "z", axis=2)], {"i": ints(3, 0, 0, -1)})
case("Gather by a table", [node("Gather", ["x", "i"], "z", axis=1)], {"i": np.array([[0, 2], [3, 1]], np.int64)})
case("GatherND", [
    node("Transpose", ["x"], "t", perm=[2, 3, 0, 1]), node("GatherND", ["t", "i"], "g"),
    node("Transpose", ["g"], "z", perm=[1, 2, 0])], {"i": np.array([[0, 1], [5, 4], [2, 2]], np.int64)})
case("Pad wrap", [node("Pad", ["x", "p"], "z", mode="wrap")], {"p": ints(0, 0, 1, 2, 0, 0, 2, 1)}, opset=19)
for mode in ("constant", "reflect", "edge"):
    inputs = ["x", "p", "v"] if mode == "constant" else ["x", "p"]
    case(f"Pad {mode}", [node("Pad", inputs, "z", mode=mode)], {"p": ints(0, 0, 1, 2, 0, 0, 2, 1), "v": np.float32(0.5)})
case("Pad channels", [node("Pad", ["x", "p"], "z")], {"p": ints(0, 1, 0, 0, 0, 2, 0, 0)})
case("Resize twice", [node("Resize", ["x", "", "s"], "z", mode="nearest")], {"s": np.array([1, 1, 2, 3], np.float32)})
case("Resize floor", [
    node("Resize", ["x", "", "s"], "z", mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")],
     {"s": np.array([1, 1, 1.5, 2], np.float32)})
for coordinates in ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"):
    for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
        case(f"Resize {coordinates} {rounding}", [
            node("Shape", ["x"], "sh"), node("Slice", ["sh", "zero", "two"], "n"), node("Concat", ["n", "hw"], "s", axis=0),
            node("Resize", ["x", "", "", "s"], "z", mode="nearest", coordinate_transformation_mode=coordinates,
                 nearest_mode=rounding)], {"zero": ints(0), "two": ints(2), "hw": ints(9, 3)})
case("MatMul maps", [node("MatMul", ["x", "w"], "z")], {"w": tensor(5, 7)})
case("MatMul bias", [node("MatMul", ["x", "w"], "m"), node("Add", ["b", "m"], "z")], {"w": tensor(5, 7), "b": tensor(7)})
case("MatMul read twice", [
    node("MatMul", ["x", "w"], "m"), node("Add", ["m", "b"], "a"), node("Mul", ["m", "a"], "z")],
     {"w": tensor(5, 7), "b": tensor(7)})
case("MatMul constant first", [node("MatMul", ["w", "x"], "z")], {"w": tensor(3, 6)})
case("MatMul batch of constants", [node("MatMul", ["x", "w"], "z")], {"w": tensor(4, 5, 3)})
case("MatMul values", [node("Transpose", ["x"], "t", perm=[0, 1, 3, 2]), node("MatMul", ["x", "t"], "z")])
for equation, shape in [
    ("nchw,wk->nchk", (5, 7)), ("nchw,chwk->nk", (4, 6, 5, 7)), ("nchw,wab->nbcha", (5, 2, 3)), ("...w,kw->...k", (7, 5)),
    ("nchw,chk->nckw", (4, 6, 3)), ("nchw,c->nhcw", (4,)), ("achw,hw", (6, 5)),
]:
    case(f"Einsum {equation}", [node("Einsum", ["x", "w"], "z", equation=equation)], {"w": tensor(*shape)}, opset=12)
for equation in ("nchw,ndhw->ncd", "nchw,nchv->nchwv", "nchw,nchv->nhwv", "nchw,nchw->nc", "nchw,nchw->nwhc"):
    case(f"Einsum {equation}", [node("Einsum", ["x", "x"], "z", equation=equation)])
case("Einsum of one", [node("Einsum", ["x"], "z", equation="nchw->nwc")])
case("Einsum weights first", [node("Einsum", ["w", "x"], "z", equation="kw,nchw->nhkc")], {"w": tensor(7, 5)})
case("Gemm", [node("Flatten", ["x"], "f"), node("Gemm", ["f", "w", "b"], "z", transB=1)], {"w": tensor(9, 120), "b": tensor(9)})
case("Gemm scaled", [node("Flatten", ["x"], "f"), node("Gemm", ["f", "w", "b"], "z", alpha=0.5, beta=2.0)],
     {"w": tensor(120, 9), "b": tensor(1, 9)})
attention = [
    node("Reshape", ["x", "tokens"], "t"), node("MatMul", ["t", "wq"], "q0"), node("MatMul", ["t", "wk"], "k0"),
    node("MatMul", ["t", "wv"], "v0"),
    *[node("Reshape", [f"{n}0", "heads"], f"{n}1") for n in "qkv"],
    node("Transpose", ["q1"], "q", perm=[0, 2, 1, 3]), node("Transpose", ["k1"], "k", perm=[0, 2, 3, 1]),
    node("Transpose", ["v1"], "v", perm=[0, 2, 1, 3]), node("MatMul", ["q", "k"], "s"), node("Div", ["s", "root"], "d"),
    node("Softmax", ["d"], "p", axis=-1), node("MatMul", ["p", "v"], "o"), node("Transpose", ["o"], "z", perm=[0, 2, 1, 3])]
case("Attention spelled", attention, {
    "tokens": ints(0, 12, 10), "heads": ints(0, 12, 2, 5), "root": np.float32(2.2), "wq": tensor(10, 10),
    "wk": tensor(10, 10), "wv": tensor(10, 10)})
for name, attributes in [("causal", {"is_causal": 1}), ("capped", {"softcap": 2.0})]:
    case(f"Attention {name}", [
        node("Reshape", ["x", "tokens"], "t"), node("MatMul", ["t", "wq"], "q"), node("MatMul", ["t", "wk"], "k"),
        node("Attention", ["q", "k", "t"], "z", q_num_heads=2, kv_num_heads=2, **attributes)],
         {"tokens": ints(0, 12, 10), "wq": tensor(10, 10), "wk": tensor(10, 10)}, opset=23)
case("Attention with shared heads and a mask", [
    node("Reshape", ["x", "tokens"], "t"), node("MatMul", ["t", "wq"], "q"), node("MatMul", ["t", "wk"], "k"),
    node("MatMul", ["t", "wv"], "v"), node("Attention", ["q", "k", "v", "mask"], "z", q_num_heads=4, kv_num_heads=2)],
     {"tokens": ints(0, 12, 10), "wq": tensor(10, 20), "wk": tensor(10, 10), "wv": tensor(10, 10),
      "mask": tensor(12, 12)}, opset=23)
case("Attention", [
    node("Reshape", ["x", "tokens"], "t"), node("MatMul", ["t", "wq"], "q"), node("MatMul", ["t", "wk"], "k"),
    node("Attention", ["q", "k", "t"], "z", q_num_heads=2, kv_num_heads=2)],
     {"tokens": ints(0, 12, 10), "wq": tensor(10, 10), "wk": tensor(10, 10)}, opset=23)


def build(name, batch):
    nodes, constants, shape, opset = CASES[name]
    constants = dict(constants)
    used = {i for n in nodes for i in n.input}
    info = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *shape])]
    graph = helper.make_graph(
        nodes, "case", info, [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items() if k in used])
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    probe = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(1).normal(size=(2, *shape)).astype(np.float32)
    width = int(np.prod(probe.run(None, {"x": x})[0].shape[1:]))
    # Whatever comes out as one row of scores an example.
    model.graph.node.extend([node("Flatten", ["z"], "flat"), node("Gemm", ["flat", "head"], "y")])
    model.graph.initializer.append(
        numpy_helper.from_array(np.random.default_rng(2).normal(size=(width, 5)).astype(np.float32), "head"))
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 5]))
    return model, x


def run_file(path, x):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def run_exported(path, x):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"input": x})[0]


def difference(found, expected):
    return float(np.linalg.norm(found - expected) / max(np.linalg.norm(expected), 1e-30))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--runner", default=ROOT / "Tests/Validation/.build/release/onnx-runner")
    options = parser.parse_args()
    failed = 0
    for name in options.cases or CASES:
        for batch in ("N", 2):
            with tempfile.TemporaryDirectory() as folder:
                path = lambda file: os.path.join(folder, file)
                model, x = build(name, batch)
                onnx.save(model, path("case.onnx"))
                save_file({"input": x, "weights": np.ones((2, 5), np.float32)}, path("input.safetensors"))
                run = subprocess.run(
                    [options.runner, "check", path("case.onnx"), path("input.safetensors"), path("results.safetensors"),
                     path("written.onnx"), path("anew.onnx")], capture_output=True, text=True)
                if run.returncode != 0:
                    failed += 1
                    print(f"{name} ({batch}): FAILED ({run.returncode}): {run.stderr.strip()[-300:]}", flush=True)
                    continue
                results = load_file(path("results.safetensors"))
                found = {"read": difference(results["logits"], run_file(path("case.onnx"), x))}
                for file, run_it in (("written", run_file), ("anew", run_exported)):
                    try:
                        found[file] = difference(run_it(path(file + ".onnx"), x), results["trained_logits"])
                    except Exception as error:
                        found[file] = float("inf")
                        print(str(error)[:300])
                if not max(found.values()) <= 1e-4:
                    failed += 1
                    print(f"{name} ({batch}): " + ", ".join(f"{k} {v:.1e}" for k, v in found.items()), flush=True)
    print(f"{2 * len(options.cases or CASES)} cases, {failed} failed")
    sys.exit(1 if failed else 0)


main()
