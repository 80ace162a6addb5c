#!/usr/bin/env python3
"""Forgets 1, 10 and 20 of 100 classes, and compares steps, time and accuracy with training and retraining.

    swift build -c release --product unlearn
    python3 Benchmarks/many_classes.py --work many-classes

The pictures are pairs of Fashion-MNIST's, 64 x 64, which 'Scripts/fashion-mnist-folder --pairs' writes: 18,000 to train on and
2,000 to test. An original is trained for four epochs; each number of classes is forgotten by each method; and for each number a
network is trained without the classes. Retained accuracies are on the test pictures of the classes that stay. --dataset takes a
folder of your own (CIFAR-100, ImageNet's classes) instead. What is finished stays in the folder of --work, and the same
command goes on from there; delete a method's files after a change of the program. --docs writes the table into Docs/Benchmarks.md.
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "PyTorch"))
import running  # noqa: E402
import tables  # noqa: E402


class Runner(running.Runner):
    def __init__(self, arguments):
        self.arguments = arguments
        super().__init__(arguments.work, arguments.unlearn)

    def train(self, name, excluded=()):
        file = self.arguments.work / f"{name}.safetensors"
        without = ["--exclude-classes", ",".join(map(str, excluded))] if excluded else []
        return file, self.run(
            name, "train", "--dataset", self.arguments.dataset, "--architecture", self.arguments.architecture,
            "--image-size", self.arguments.image_size, "--epochs", self.arguments.epochs, "--seed", self.arguments.seed, "--output", file, *without)

    def forget(self, original, classes, method):
        file = self.arguments.work / f"{method}-{len(classes)}.safetensors"
        return self.run(
            file.stem, "forget", original, "--classes", ",".join(map(str, classes)), "--retain", self.arguments.dataset,
            "--validation", self.arguments.dataset, "--method", method, "--seed", self.arguments.seed, "--output", file,
            "--keep-ruined")


def percent(share):
    return f"{100 * share:.2f} %"


def table(runner):
    arguments = runner.arguments
    original, training = runner.train("original")
    lines = [[
        "classes", "method", "forgotten", "retained", "original", "retrained", "to retrained", "steps", "seconds",
        f"{arguments.epochs} epochs / seconds"]]
    for count in arguments.counts:
        classes = list(range(0, 10 * count, 10)) if count <= 10 else list(range(0, 5 * count, 5))
        file, _ = runner.train(f"without-{count}", classes)
        retrained = runner.run(
            f"evaluate-without-{count}", "evaluate", file, "--dataset", arguments.dataset, "--forgotten",
            ",".join(map(str, classes)))["accuracy"]["retained"]
        for method in arguments.methods:
            report = runner.forget(original, classes, method)
            retained = report["accuracy"]["retained"]
            lines.append([
                str(count), f"`{method}`", percent(report["accuracy"]["forgotten"]), percent(retained),
                percent(report["accuracyBefore"]["retained"]), percent(retrained),
                f"{100 * (retained - retrained):+.2f}", str(report["steps"]), f"{report['seconds']:.1f}",
                f"{training['seconds'] / max(1e-9, report['seconds']):.1f}"])
    return tables.markdown(lines, (1,))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unlearn", type=Path, default=running.UNLEARN)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--dataset", help="by default a folder of pairs, made in the folder of --work")
    parser.add_argument("--architecture", default="resnet18")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--counts", nargs="+", type=int, default=[1, 10, 20])
    parser.add_argument("--methods", nargs="+", default=["default", "noiseless", "unsir-paper"])
    parser.add_argument("--docs", action="store_true")
    arguments = parser.parse_args()
    runner = Runner(arguments)
    if arguments.dataset is None:
        pictures = arguments.work / "pictures"
        if not (pictures / "test").exists():
            subprocess.run(
                [HERE.parent / "Scripts/fashion-mnist-folder", pictures, "--pairs", "--train", "180", "--test", "20"],
                check=True, stdout=sys.stderr)
        arguments.dataset = f"folder:{pictures}"
    text = table(runner)
    print(text)
    if arguments.docs:
        tables.write_block("many_classes.py", [text])


if __name__ == "__main__":
    main()
