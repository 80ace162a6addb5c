#!/usr/bin/env python3
"""Forgets 1, 10 and 20 of 100 classes, and compares steps, time and accuracy with training and retraining.

    swift build -c release --product unlearn
    python3 Benchmarks/many_classes.py --work many-classes

The pictures are pairs of Fashion-MNIST's, 64 x 64, which 'Scripts/fashion-mnist-folder --pairs' writes: 18,000 to train on and
2,000 to test. An original is trained for four epochs; each number of classes is forgotten by each method; and for each number a
network is trained without the classes. Retained accuracies are on the test pictures of the classes that stay. 'prototype' is what
an audit finds when ten pictures of a forgotten class rewrite its row of the head: recall, minus the retrained network's, in
points. --seeds repeats all of it, and figures are then means with half of the 95 % interval. --dataset takes a folder of your own
(CIFAR-100, ImageNet's classes) instead. What is finished stays in the folder of --work, and the same
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

    def named(self, name, seed):
        """A file's name, which leaves out the first of the default seeds so that earlier results are found."""
        return name if seed == 0 else f"{name}-seed-{seed}"

    def train(self, name, seed, excluded=()):
        name = self.named(name, seed)
        file = self.arguments.work / f"{name}.safetensors"
        without = ["--exclude-classes", ",".join(map(str, excluded))] if excluded else []
        return file, self.run(
            name, "train", "--dataset", self.arguments.dataset, "--architecture", self.arguments.architecture, "--image-size",
            self.arguments.image_size, "--epochs", self.arguments.epochs, "--seed", seed, "--output", file, *without)

    def forget(self, original, classes, method, seed):
        file = self.arguments.work / f"{self.named(f'{method}-{len(classes)}', seed)}.safetensors"
        return file, self.run(
            file.stem, "forget", original, "--classes", ",".join(map(str, classes)), "--retain", self.arguments.dataset,
            "--validation", self.arguments.dataset, "--method", method, "--seed", seed, "--output", file, "--keep-ruined")

    def prototype(self, original, unlearned, classes, retrained):
        """Prototype relearning to a retrained network's; None if the audit could not measure it."""
        record = self.run(
            f"audit-{unlearned.stem}", "audit", original, unlearned, "--dataset", self.arguments.dataset, "--forgotten",
            ",".join(map(str, classes)), "--retrained", retrained, "--quick", "--minimum-samples", 10, statuses=(0, 2, 3))
        measures = {item["measure"]["identifier"]: item for item in record["audit"]["measures"]}
        return measures.get("prototype-relearning", {}).get("gap", {}).get("value")


# Column: format, factor.
COLUMNS = {
    "forgotten": ("{:.2f} %", 100), "retained": ("{:.2f} %", 100), "original": ("{:.2f} %", 100),
    "retrained": ("{:.2f} %", 100), "to retrained": ("{:+.2f}", 100), "prototype": ("{:+.1f}", 100), "steps": ("{:.0f}", 1),
    "seconds": ("{:.1f}", 1), "ratio": ("{:.1f}", 1)}


def measured(runner, seed):
    """The figures of every number of classes and method."""
    arguments, found = runner.arguments, {}
    original, training = runner.train("original", seed)
    for count in arguments.counts:
        classes = list(range(0, 10 * count, 10)) if count <= 10 else list(range(0, 5 * count, 5))
        reference, _ = runner.train(f"without-{count}", seed, classes)
        retrained = runner.run(
            runner.named(f"evaluate-without-{count}", seed), "evaluate", reference, "--dataset", arguments.dataset, "--forgotten",
            ",".join(map(str, classes)))["accuracy"]["retained"]
        for method in arguments.methods:
            file, report = runner.forget(original, classes, method, seed)
            retained = report["accuracy"]["retained"]
            found[count, method] = {
                "forgotten": report["accuracy"]["forgotten"], "retained": retained,
                "original": report["accuracyBefore"]["retained"], "retrained": retrained,
                "to retrained": retained - retrained, "prototype": runner.prototype(original, file, classes, reference),
                "steps": report["steps"], "seconds": report["seconds"],
                "ratio": training["seconds"] / max(1e-9, report["seconds"])}
    return found


def table(runner):
    arguments = runner.arguments
    seeds = [measured(runner, seed) for seed in arguments.seeds]
    titles = {"ratio": f"{arguments.epochs} epochs / seconds"}
    lines = [["classes", "method", *(titles.get(title, title) for title in COLUMNS)]]
    for count, method in seeds[0]:
        cells = {
            title: running.cell([found[count, method][title] for found in seeds], form, factor)
            for title, (form, factor) in COLUMNS.items()}
        cells["steps"] = cells["steps"].split(" ±")[0]
        lines.append([str(count), f"`{method}`", *cells.values()])
    return tables.markdown(lines, (1,))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unlearn", type=Path, default=running.UNLEARN)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--dataset", help="by default a folder of pairs, made in the folder of --work")
    parser.add_argument("--architecture", default="resnet18")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
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
