"""Fashion-MNIST, prepared as the package does: scaled, padded to 32x32, normalized, three equal channels."""

import gzip
from pathlib import Path

import numpy
import torch
from torch.nn.functional import pad

FOLDER = Path("/usr/share/datasets/fashion-mnist")
MEAN, DEVIATION = 0.2860, 0.3530


def read_idx(folder, name):
    path = Path(folder) / f"{name}.gz"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: name the folder of Fashion-MNIST's four .gz files (--data)")
    with gzip.open(path) as file:
        content = file.read()
    # IDX: two zero bytes, the element type, the number of dimensions, then each dimension as a big-endian word.
    dimensions = content[3]
    shape = numpy.frombuffer(content, ">u4", dimensions, offset=4)
    values = numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * dimensions)
    return torch.from_numpy(values.reshape(shape).copy())


def load(folder=FOLDER, split="train"):
    """Images [N, 3, 32, 32] and labels [N]. The channels share memory: copy a batch before writing to it."""
    prefix = {"train": "train", "test": "t10k"}[split]
    images = read_idx(folder, f"{prefix}-images-idx3-ubyte")
    labels = read_idx(folder, f"{prefix}-labels-idx1-ubyte").long()
    # Padded before normalizing: the border is black, not gray.
    images = (pad(images.float() / 255, (2, 2, 2, 2)) - MEAN) / DEVIATION
    return images.unsqueeze(1).expand(-1, 3, -1, -1), labels


def retained(images, labels, forgotten, per_class=1000):
    """The subset that forgetting may use: the first images of every class that is not forgotten."""
    kept = [label for label in range(10) if label not in forgotten]
    chosen = torch.cat([(labels == label).nonzero().flatten()[:per_class] for label in kept])
    return images[chosen], labels[chosen]
