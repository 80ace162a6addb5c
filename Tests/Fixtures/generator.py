"""Numbers that depend on nothing but a tensor's name.

Weights are not stored: PyTorch and Swift each generate them from the name, so a fixture holds results only
and stays small. The Swift twin of this file lives in Tests/TestSupport.
"""

import math

import numpy
import torch

GOLDEN_GAMMA = 0x9E3779B97F4A7C15


def fnv1a(name):
    """The 64-bit FNV-1a hash of a name, which seeds that tensor's sequence."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def uniform(name, shape):
    """`u` in [0, 1), float64: 24 bits of splitmix64 an element, in row-major order."""
    index = numpy.arange(1, math.prod(shape) + 1, dtype=numpy.uint64)
    z = numpy.uint64(fnv1a(name)) + index * numpy.uint64(GOLDEN_GAMMA)
    z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    z = z ^ (z >> numpy.uint64(31))
    u = (z >> numpy.uint64(40)).astype(numpy.float64) / 2**24
    return torch.from_numpy(u.reshape(shape))


def symmetric(name, shape, scale=1.0):
    """Values in [-scale, scale), float32."""
    return ((2 * uniform(name, shape) - 1) * scale).float()


def state_tensor(name, shape):
    """One entry of a state dict, chosen by the last part of its name."""
    role = name.rsplit(".", 1)[-1]
    if role == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.int64)
    if role in ("cls_token", "class_token", "pos_embed", "pos_embedding"):
        return symmetric(name, shape)
    if role in ("weight", "in_proj_weight") and len(shape) >= 2:
        # He's variance, 2 / fan-in, keeps activations of order one through every depth.
        return symmetric(name, shape, math.sqrt(3) * math.sqrt(2 / math.prod(shape[1:])))
    if role in ("weight", "running_var"):
        return (0.5 + uniform(name, shape)).float()
    if role in ("bias", "in_proj_bias", "running_mean"):
        return ((uniform(name, shape) - 0.5) * 0.2).float()
    raise ValueError(f"no rule generates a tensor named {name}")


def fill(model):
    """Replaces every entry of a model's state by its generated value."""
    state = {name: state_tensor(name, tuple(old.shape)) for name, old in model.state_dict().items()}
    model.load_state_dict(state, strict=True)
    return model
