"""Writes files as PyTorch users save them: a small state dict, and one tensor in several element types.

Run from anywhere: python3 make_fixtures.py
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import generator  # noqa: E402


def state_dict():
    model = nn.Module()
    model.conv = nn.Conv2d(3, 4, 3)
    model.norm = nn.BatchNorm2d(4)
    model.linear = nn.Linear(4, 2)
    return generator.fill(model).state_dict()


def element_types():
    values = (2 * generator.uniform("values", (3, 5))) - 1
    types = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32, "f64": torch.float64}
    tensors = {name: values.to(dtype) for name, dtype in types.items()}
    # Integers that no float32 and no 32-bit word can hold.
    tensors["i64"] = torch.tensor([-1, 0, 2**40 + 1])
    return tensors


def main():
    save_file(state_dict(), HERE / "pytorch.safetensors")
    save_file(element_types(), HERE / "dtypes.safetensors")


if __name__ == "__main__":
    main()
