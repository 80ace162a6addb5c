"""Runs ML programs in NumPy, in float64, and compares packages.

Core ML itself runs on Apple's systems only. coremltools loads a package on any, with the shapes of every operation worked out
again, and this module computes them from coremltools' definitions: a second opinion that shares nothing with the package in Swift.
"""

import json
import math
import os
import struct

import coremltools as ct
import numpy as np
from coremltools.converters.mil.frontend.milproto.load import load as load_program

ALIGNMENT = 64
SENTINEL = 0xDEADBEEF
FORGOTTEN = "unlearning.forgotten_classes"
REQUESTS = "unlearning.requests"
DESCRIPTION = "unlearning.model"


def files(package):
    """All files of a package by their paths in it."""
    found = {}
    for folder, _, names in os.walk(package):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, package)] = file.read()
    return found


def specification_path(path):
    if os.path.isfile(path):
        return path
    manifest = json.load(open(os.path.join(path, "Manifest.json")))
    root = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"]
    return os.path.join(path, "Data", root)


def weight_path(path):
    return os.path.join(os.path.dirname(specification_path(path)), "weights", "weight.bin")


# Running


def program(path):
    """A package's program, as coremltools reads it."""
    spec = ct.utils.load_spec(path)
    weights = os.path.dirname(weight_path(path)) if os.path.isdir(path) else None
    return load_program(spec, spec.specificationVersion, file_weights_dir=weights), spec


def run(path, picture):
    """The scores of one picture [1, C, H, W]: what `classify` gets, or the only output."""
    loaded, _ = program(path)
    function = loaded.functions["main"]
    (name,) = function.inputs
    values = {name: np.asarray(picture, np.float64)}

    def value(variable):
        if isinstance(variable, (list, tuple)):
            return [value(item) for item in variable]
        if variable.name in values:
            return values[variable.name]
        found = variable.val
        if isinstance(found, np.ndarray) and found.dtype.kind == "f":
            return found.astype(np.float64)
        return found

    for operation in function.operations:
        if operation.op_type == "const":
            continue
        arguments = {key: value(variable) for key, variable in operation.inputs.items() if variable is not None}
        if operation.op_type == "classify":
            return arguments["probabilities"]
        results = OPERATIONS[operation.op_type](**arguments)
        results = results if isinstance(results, list) else [results]
        for variable, result in zip(operation.outputs, results):
            declared = tuple(variable.shape)
            assert np.shape(result) == declared, (operation.op_type, variable.name, np.shape(result), declared)
            values[variable.name] = result
    return values[function.outputs[0].name]


def window_pads(sizes, kernel, strides, dilations, pad_type, pad):
    pairs = []
    for axis, size in enumerate(sizes):
        reach = dilations[axis] * (kernel[axis] - 1) + 1
        if pad_type == "custom":
            pairs.append((int(pad[2 * axis]), int(pad[2 * axis + 1])))
        elif pad_type in ("same", "same_lower"):
            total = max(0, (math.ceil(size / strides[axis]) - 1) * strides[axis] + reach - size)
            small = total // 2
            pairs.append((small, total - small) if pad_type == "same" else (total - small, small))
        else:
            pairs.append((0, 0))
    return pairs


def windows(x, kernel, strides, dilations):
    """[N, C, H', W', kh, kw]"""
    reach = [dilations[axis] * (kernel[axis] - 1) + 1 for axis in range(2)]
    view = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(2, 3))
    return view[:, :, :: strides[0], :: strides[1], :: dilations[0], :: dilations[1]]


def conv(x, weight, bias=None, strides=(1, 1), pad_type="valid", pad=(0, 0, 0, 0), dilations=(1, 1), groups=1):
    kernel = weight.shape[2:]
    pairs = window_pads(x.shape[2:], kernel, strides, dilations, pad_type, pad)
    x = np.pad(x, [(0, 0), (0, 0), *pairs])
    parts = []
    for inputs, weights in zip(np.split(x, groups, 1), np.split(weight, groups, 0)):
        view = windows(inputs, kernel, strides, dilations)
        parts.append(np.tensordot(view, weights, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2))
    y = np.concatenate(parts, 1)
    return y if bias is None else y + np.reshape(bias, (1, -1, 1, 1))


def pool(x, kernel_sizes, strides, pad_type, pad, ceil_mode, fill, reduce):
    pairs = window_pads(x.shape[2:], kernel_sizes, strides, (1, 1), pad_type, pad)
    if ceil_mode:
        for axis in range(2):
            size = x.shape[2 + axis] + sum(pairs[axis])
            count = math.ceil((size - kernel_sizes[axis]) / strides[axis]) + 1
            if (count - 1) * strides[axis] >= x.shape[2 + axis] + pairs[axis][0]:
                count -= 1
            more = (count - 1) * strides[axis] + kernel_sizes[axis] - size
            # Beyond the padding there is nothing, which even an average that counts padding leaves out.
            pairs[axis] = (pairs[axis][0], pairs[axis][1] + max(0, more))
    padded = np.pad(x, [(0, 0), (0, 0), *pairs], constant_values=fill)
    return reduce(windows(padded, kernel_sizes, strides, (1, 1)), pairs)


def max_pool(x, kernel_sizes, strides=(1, 1), pad_type="valid", pad=(0, 0, 0, 0), ceil_mode=False):
    return pool(x, kernel_sizes, strides, pad_type, pad, ceil_mode, -np.inf, lambda view, _: view.max((4, 5)))


def avg_pool(
    x, kernel_sizes, strides=(1, 1), pad_type="valid", pad=(0, 0, 0, 0), exclude_padding_from_average=False,
    ceil_mode=False,
):
    def mean(view, pairs):
        if not exclude_padding_from_average:
            return view.mean((4, 5))
        ones = np.pad(np.ones(x.shape), [(0, 0), (0, 0), *pairs])
        return view.sum((4, 5)) / windows(ones, kernel_sizes, strides, (1, 1)).sum((4, 5))

    return pool(x, kernel_sizes, strides, pad_type, pad, ceil_mode, 0, mean)


def batch_norm(x, mean, variance, gamma=None, beta=None, epsilon=1e-5):
    spread = (1, -1) + (1,) * (x.ndim - 2)
    y = (x - mean.reshape(spread)) / np.sqrt(variance.reshape(spread) + epsilon)
    y = y if gamma is None else y * gamma.reshape(spread)
    return y if beta is None else y + beta.reshape(spread)


def normalized(x, axes, epsilon):
    axes = tuple(int(axis) for axis in axes)
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def layer_norm(x, axes, gamma=None, beta=None, epsilon=1e-5):
    y = normalized(x, axes, epsilon)
    spread = [x.shape[axis] if axis in [a % x.ndim for a in axes] else 1 for axis in range(x.ndim)]
    y = y if gamma is None else y * gamma.reshape(spread)
    return y if beta is None else y + beta.reshape(spread)


def instance_norm(x, gamma=None, beta=None, epsilon=1e-5):
    y = normalized(x, range(2, x.ndim), epsilon)
    spread = (1, -1) + (1,) * (x.ndim - 2)
    y = y if gamma is None else y * gamma.reshape(spread)
    return y if beta is None else y + beta.reshape(spread)


def softmax(x, axis=-1):
    y = np.exp(x - x.max(axis, keepdims=True))
    return y / y.sum(axis, keepdims=True)


def matmul(x, y, transpose_x=False, transpose_y=False):
    return (np.swapaxes(x, -1, -2) if transpose_x else x) @ (np.swapaxes(y, -1, -2) if transpose_y else y)


def reshape(x, shape):
    lengths = [x.shape[axis] if length == 0 else int(length) for axis, length in enumerate(shape)]
    return x.reshape(lengths)


def slice_by_index(x, begin, end, stride=None, begin_mask=None, end_mask=None, squeeze_mask=None):
    places = []
    for axis in range(x.ndim):
        if squeeze_mask is not None and squeeze_mask[axis]:
            places.append(int(begin[axis]))
            continue
        first = None if begin_mask is not None and begin_mask[axis] else int(begin[axis])
        last = None if end_mask is not None and end_mask[axis] else int(end[axis])
        places.append(slice(first, last, 1 if stride is None else int(stride[axis])))
    return x[tuple(places)]


def split(x, axis, num_splits=None, split_sizes=None):
    if split_sizes is None:
        return np.split(x, num_splits, axis)
    return np.split(x, np.cumsum(split_sizes)[:-1], axis)


def concat(values, axis, interleave=False):
    joined = np.concatenate(values, int(axis))
    if not interleave:
        return joined
    axis = int(axis) % values[0].ndim
    return np.stack(values, axis + 1).reshape(joined.shape)


def pad(x, pad, mode="constant", constant_val=0.0):
    pairs = [(0, 0)] * (x.ndim - len(pad) // 2) + [(int(a), int(b)) for a, b in zip(pad[::2], pad[1::2])]
    kind = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}[mode]
    return np.pad(x, pairs, kind, **({"constant_values": constant_val} if kind == "constant" else {}))


def gelu(x, mode="EXACT"):
    if mode == "TANH_APPROXIMATION":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    if mode == "SIGMOID_APPROXIMATION":
        return x / (1 + np.exp(-1.702 * x))
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


erf = np.vectorize(math.erf, otypes=[np.float64])


def reduction(function):
    def reduce(x, axes=None, keep_dims=False):
        axes = tuple(range(x.ndim)) if axes is None else tuple(int(axis) for axis in axes)
        return function(x, axes, bool(keep_dims))

    return reduce


def upsample(x, scale_factor_height=1, scale_factor_width=1):
    height, width = int(scale_factor_height), int(scale_factor_width)
    assert height == scale_factor_height and width == scale_factor_width
    return x.repeat(height, 2).repeat(width, 3)


def resize_nearest(x, target_size_height, target_size_width):
    rows = np.arange(target_size_height) * x.shape[2] // target_size_height
    columns = np.arange(target_size_width) * x.shape[3] // target_size_width
    return x[:, :, rows][:, :, :, columns]


def pixel_shuffle(x, upscale_factor):
    n, c, h, w = x.shape
    r = int(upscale_factor)
    return x.reshape(n, c // r**2, r, r, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, c // r**2, h * r, w * r)


def cast(x, dtype):
    if dtype.startswith("fp"):
        return np.asarray(x, np.float64)
    return np.asarray(x, {"bool": bool}.get(dtype, np.int64))


def thresholded(x, alpha=1.0):
    return np.where(x >= alpha, x, 0)


def attention(query, key, value, attn_mask=None):
    scores = query @ np.swapaxes(key, -1, -2) / math.sqrt(query.shape[-1])
    return softmax(scores if attn_mask is None else scores + attn_mask) @ value


OPERATIONS = {
    "conv": conv, "max_pool": max_pool, "avg_pool": avg_pool, "batch_norm": batch_norm, "layer_norm": layer_norm,
    "instance_norm": instance_norm, "softmax": softmax, "matmul": matmul, "reshape": reshape, "split": split,
    "slice_by_index": slice_by_index, "pad": pad, "gelu": gelu, "cast": cast, "thresholded_relu": thresholded,
    "scaled_dot_product_attention": attention, "upsample_nearest_neighbor": upsample,
    "resize_nearest_neighbor": resize_nearest, "pixel_shuffle": pixel_shuffle,
    "linear": lambda x, weight, bias=None: x @ weight.T + (0 if bias is None else bias),
    "relu": lambda x: np.maximum(x, 0), "relu6": lambda x: np.clip(x, 0, 6),
    "prelu": lambda x, alpha: np.where(x > 0, x, x * alpha.reshape((1, -1) + (1,) * (x.ndim - 2))),
    "leaky_relu": lambda x, alpha=0.01: np.where(x > 0, x, alpha * x),
    "elu": lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "silu": lambda x: x / (1 + np.exp(-x)),
    "sigmoid_hard": lambda x, alpha=0.2, beta=0.5: np.clip(alpha * x + beta, 0, 1),
    "softplus": lambda x: np.logaddexp(0, x), "softsign": lambda x: x / (1 + np.abs(x)),
    "tanh": lambda x: np.tanh(x), "erf": lambda x: erf(x), "exp": lambda x: np.exp(x), "exp2": lambda x: np.exp2(x), "sqrt": lambda x: np.sqrt(x), "abs": lambda x: np.abs(x), "sign": lambda x: np.sign(x),
    "square": lambda x: np.square(x), "floor": lambda x: np.floor(x), "ceil": lambda x: np.ceil(x), "round": lambda x: np.round(x), "sin": lambda x: np.sin(x), "cos": lambda x: np.cos(x),
    "log": lambda x, epsilon=1e-45: np.log(x + epsilon), "rsqrt": lambda x, epsilon=1e-12: 1 / np.sqrt(x + epsilon),
    "inverse": lambda x, epsilon=1e-4: 1 / (x + epsilon),
    "clip": lambda x, alpha, beta: np.clip(x, alpha, beta), "identity": lambda x: x,
    "add": lambda x, y: np.add(x, y), "sub": lambda x, y: np.subtract(x, y), "mul": lambda x, y: np.multiply(x, y),
    "real_div": lambda x, y: np.divide(x, y), "pow": lambda x, y: np.power(x, y),
    "maximum": lambda x, y: np.maximum(x, y), "minimum": lambda x, y: np.minimum(x, y),
    "greater": lambda x, y: np.greater(x, y), "equal": lambda x, y: np.equal(x, y),
    "not_equal": lambda x, y: np.not_equal(x, y), "select": lambda cond, a, b: np.where(cond, a, b),
    "reduce_mean": reduction(lambda x, axes, keep: x.mean(axes, keepdims=keep)),
    "reduce_sum": reduction(lambda x, axes, keep: x.sum(axes, keepdims=keep)),
    "reduce_max": reduction(lambda x, axes, keep: x.max(axes, keepdims=keep)),
    "reduce_min": reduction(lambda x, axes, keep: x.min(axes, keepdims=keep)),
    "reduce_l2_norm": reduction(lambda x, axes, keep: np.sqrt(np.square(x).sum(axes, keepdims=keep))),
    "reduce_sum_square": reduction(lambda x, axes, keep: np.square(x).sum(axes, keepdims=keep)),
    "reduce_log_sum_exp": reduction(
        lambda x, axes, keep: np.log(np.exp(x - x.max()).sum(axes, keepdims=keep)) + x.max()),
    "transpose": lambda x, perm: x.transpose([int(axis) for axis in perm]),
    "expand_dims": lambda x, axes: np.expand_dims(x, tuple(int(axis) for axis in axes)),
    "squeeze": lambda x, axes=None: np.squeeze(x, None if axes is None else tuple(int(axis) for axis in axes)),
    "concat": concat,
    "stack": lambda values, axis: np.stack(values, int(axis)),
    "tile": lambda x, reps: np.tile(x, [int(count) for count in reps]),
    "gather": lambda x, indices, axis=0, batch_dims=0, validate_indices=False: np.take(x, indices, int(axis)),
}


# Comparing


def blobs(spec, path):
    """Where each constant of a program lies in the weight file: name -> (start, end, element type)."""
    data = open(weight_path(path), "rb").read()
    count, version = struct.unpack_from("<II", data)
    assert version == 2 and len(data) % 4 == 0
    function = spec.mlProgram.functions["main"]
    found, records = {}, set()
    for operation in function.block_specializations[function.opset].operations:
        if operation.type != "const":
            continue
        value = operation.attributes["val"]
        if value.WhichOneof("value") != "blobFileValue":
            continue
        record = value.blobFileValue.offset
        mark, kind, size, start = struct.unpack_from("<IIQQ", data, record)
        assert mark == SENTINEL and record % ALIGNMENT == 0 and start % ALIGNMENT == 0, (record, mark)
        found[operation.outputs[0].name] = (start, start + size, {1: "<f2", 2: "<f4"}.get(kind))
        records.add(record)
    assert len(records) <= count
    return found, data


def compare_packages(before, after, ours):
    """Checks that a package equals another but for the tensors that training changed, and these are `ours`.

    Returns how many tensors stayed byte for byte and how many changed.
    """
    old, new = files(before), files(after)
    assert old.keys() == new.keys(), old.keys() ^ new.keys()
    specification = os.path.relpath(specification_path(before), before)
    weights = os.path.relpath(weight_path(before), before)
    for name in old:
        assert name in (specification, weights) or old[name] == new[name], name
    first, second = ct.utils.load_spec(before), ct.utils.load_spec(after)
    (places, data), (others, changed) = blobs(first, before), blobs(second, after)
    assert places == others and len(data) == len(changed)
    kept = moved = 0
    outside = bytearray(changed)
    for name, (start, end, kind) in places.items():
        if data[start:end] == changed[start:end]:
            kept += 1
            continue
        moved += 1
        found = np.frombuffer(changed[start:end], kind).astype(np.float32)
        check_values(name, found, ours, kind == "<f2")
        outside[start:end] = data[start:end]
    assert bytes(outside) == data, "bytes that are no trained weight's differ"
    function, other = first.mlProgram.functions["main"], second.mlProgram.functions["main"]
    for operation, twin in zip(
        function.block_specializations[function.opset].operations,
        other.block_specializations[other.opset].operations,
    ):
        if operation != twin:
            moved += 1
            name = operation.outputs[0].name
            assert operation.type == "const", f"{name} ({operation.type}) differs"
            found, is_half = immediate(twin.attributes["val"])
            check_values(name, found, ours, is_half)
            twin.CopyFrom(operation)
    compare_notes(first, second)
    return kept, moved


def immediate(value):
    tensor = value.immediateValue.tensor
    kind = tensor.WhichOneof("value")
    if kind == "bytes":
        return np.frombuffer(tensor.bytes.values, "<f2").astype(np.float32), True
    return np.array(tensor.floats.values, np.float32), False


def check_values(name, found, ours, is_half):
    assert name in ours, f"{name} changed, and no trained tensor has that name"
    # A matrix that a product reads as it is lies the other way round here.
    layouts = [ours[name], ours[name].T] if ours[name].ndim == 2 else [ours[name]]
    if is_half:
        layouts = [values.astype(np.float16).astype(np.float32) for values in layouts]
    same = any(found.size == values.size and np.array_equal(found, values.reshape(-1)) for values in layouts)
    assert same, f"{name} was not written as it is here"


def compare_notes(first, second):
    """Equal but for what a model has forgotten, which is noted in the description."""
    notes = second.description.metadata.userDefined
    if DESCRIPTION in notes:
        notes[DESCRIPTION] = first.description.metadata.userDefined[DESCRIPTION]
    for note in (FORGOTTEN, REQUESTS):
        if note in notes and note not in first.description.metadata.userDefined:
            assert json.loads(notes[note])
            del notes[note]
    assert first == second, "the specifications differ"


SUFFIXES = {"weights": "weights", "bias": "bias", "gamma": "gamma", "beta": "beta", "mean": "mean", "scale": "scale",
            "variance": "variance", "alpha": "alpha", "data": "data"}


def layer_weights(spec):
    """The stored weights of a neural network by our names for them, with their messages."""
    network = getattr(spec, spec.WhichOneof("Type"))
    for layer in network.layers:
        parameters = getattr(layer, layer.WhichOneof("layer"))
        if layer.WhichOneof("layer") == "activation":
            parameters = getattr(parameters, parameters.WhichOneof("NonlinearityType"))
        for field, value in parameters.ListFields():
            if field.message_type is not None and field.message_type.name == "WeightParams":
                name = layer.output[0] if field.name == "data" else f"{layer.name}.{SUFFIXES[field.name]}"
                yield name, value


def weight_values(message):
    if message.float16Value:
        return np.frombuffer(message.float16Value, "<f2").astype(np.float32)
    return np.array(message.floatValue, np.float32)


def compare_networks(before, after, ours):
    """As ``compare_packages``, of neural networks in one file."""
    first, second = ct.utils.load_spec(before), ct.utils.load_spec(after)
    kept = moved = 0
    for (name, old), (_, new) in zip(layer_weights(first), layer_weights(second)):
        if old == new:
            kept += 1
            continue
        moved += 1
        check_values(name, weight_values(new), ours, bool(new.float16Value))
        new.CopyFrom(old)
    compare_notes(first, second)
    return kept, moved
