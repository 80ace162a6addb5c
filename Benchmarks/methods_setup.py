"""What methods_table.py compares: networks, classes, and the settings that are tuned."""

import gzip
import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Network:
    """A network, its training, and how much of Fashion-MNIST it gets."""

    title: str
    options: tuple
    epochs: int
    samples: int  # images of each class that a method sees
    shrink: tuple  # training and test images of each class, and the side of the squares that become one pixel


# Half of Fashion-MNIST: most of the time goes into audits.
HALF = (3000, 500, 1)
NETWORKS = {
    "resnet18": Network("ResNet-18 (7x7 stem), a quarter of the width", ("--architecture", "resnet18:width=0.25"), 3, 500,
        HALF),
    "vit-tiny": Network(
        "Vision transformer, 48 features, 3 blocks, patches of 8",
        ("--architecture", "vit-tiny:width=48,depth=3,heads=2,patch=8", "--batch-size", "128"), 3, 300, HALF),
    # Its width is fixed, and it has no batch norm; hence the small pictures.
    "allcnn": Network(
        "All-CNN without batch norm, pictures of 7x7 pixels, 1,200 training and 300 test pictures of each class",
        ("--architecture", "allcnn", "--image-size", "8", "--batch-size", "64"), 4, 200, (1200, 300, 4)),
}
# By importance: what a limit cuts off comes last. Those of OTHERS run where they are named.
COMPARISONS = {
    f"{network}-{classes.replace(',', '-')}": (network, classes)
    for network, classes in [
        ("resnet18", "0"), ("resnet18", "5"), ("resnet18", "0,2"), ("vit-tiny", "0"), ("allcnn", "0"),
        ("vit-tiny", "5"), ("vit-tiny", "0,2"), ("allcnn", "5"), ("allcnn", "0,2")]
}
OTHERS = {"vit-tiny-5", "vit-tiny-0-2", "allcnn-5", "allcnn-0-2"}
# What is tuned of methods without one rate: settings that are tried besides the default ones.
GRIDS = {
    "ssd": [{"selection": value} for value in (1.5, 2, 3, 5)],
    "fisher": [{"scale": value} for value in (1e-9, 1e-8, 1e-7)],
    "unsir-paper": [
        {"configuration.impair.training.learningRate": 0.02 * factor, "configuration.repair.learningRate": 0.01 * factor}
        for factor in (1 / 64, 1 / 16, 1 / 4)],
}
# What methods with a training may have, by what 'unlearn methods' lists it as.
SCHEDULES = {"constant": "constant", "cosine": "cosine", "oneCycle": "one-cycle"}


def shrunk(source, target, train, test, side):
    """Writes a part of an IDX folder, each square of pixels as their mean."""
    def content(name):
        path = source / name
        return path.read_bytes() if path.exists() else gzip.decompress((source / (name + ".gz")).read_bytes())

    target.mkdir(parents=True, exist_ok=True)
    size = 28 // side
    places = [28 * row + column for row in range(side) for column in range(side)]
    corners = [side * (28 * row + column) for row in range(size) for column in range(size)]
    for split, limit in (("train", train), ("t10k", test)):
        images, labels = content(f"{split}-images-idx3-ubyte"), content(f"{split}-labels-idx1-ubyte")[8:]
        counts, found, pixels = {}, bytearray(), bytearray()
        for index, label in enumerate(labels):
            if counts.get(label, 0) < limit:
                counts[label] = counts.get(label, 0) + 1
                found.append(label)
                start = 16 + 784 * index
                pixels += bytes(
                    round(sum(images[start + corner + place] for place in places) / len(places)) for corner in corners)
        for name, heading, rest in (
            ("images-idx3", struct.pack(">iiii", 2051, len(found), size, size), pixels),
            ("labels-idx1", struct.pack(">ii", 2049, len(found)), found),
        ):
            (target / f"{split}-{name}-ubyte").write_bytes(heading + rest)
