#!/usr/bin/env python3
"""Measures exact forgetting by shards (SISA) beside one network: what it costs in accuracy and saves in time.

    swift build -c release --product unlearn
    python3 Benchmarks/shards.py --work gaps-small --width 0.25 --docs
    python3 Benchmarks/shards.py --work gaps-small --width 0.25 --seeds 1 --shards 3 --classes 5

For each seed a usual network and one of --shards copies are trained on the same images. Both forget one image, the first of
the training split, and then, from the same start, a class: the usual network by being trained again without it, the shards
by 'forget --method sisa', whose result is to the bit what training without them gives. Accuracy is on the test images of the
other classes. Figures are means over seeds with half of the 95 % interval.

--work is a folder of gaps.py, whose networks are used; what is finished stays there, and the same command goes on from there.
--docs writes the table into Docs/Methods.md.
"""

import argparse
from pathlib import Path

import gaps
import running
import tables  # gaps.py has told Python where it is.

DOCS = Path(__file__).resolve().parent.parent / "Docs/Methods.md"


class Sharded(gaps.Runner):
    """Trains networks in shards, which have names of their own."""

    def command(self, *parts):
        shards = ["--shards", self.arguments.shards] if parts[0] == "train" else []
        return super().command(*parts, *shards)

    def train(self, name, seed, without=None):
        return super().train(f"shards-{self.arguments.shards}-{name}", seed, without)


def without_image(runner, seed, original):
    """The report of the shards' forgetting of the first image."""
    listed = runner.folder / "first-image.txt"
    listed.write_text("0\n")
    name = f"{original.stem}-sisa-image"
    return runner.run(
        name, "forget", original, "--samples", listed, "--retain", runner.arguments.dataset, "--method", "sisa", "--seed", seed,
        "--output", runner.folder / f"{name}.safetensors")


def accuracy(runner, file, classes):
    """The accuracy on the test images of the other classes."""
    report = runner.run(f"evaluation-{file.stem}-{classes.replace(',', '+')}", "evaluate", file, "--dataset",
                        runner.arguments.dataset, "--forgotten", classes)
    return report["accuracy"]["retained"]


def measured(plain, sharded, classes):
    """What each kind of network costs, for each seed."""
    arguments = plain.arguments
    suffix = classes.replace(",", "+")
    costs = {"one network": [], f"{arguments.shards} shards": []}
    for seed in arguments.seeds:
        for row, runner in zip(costs, (plain, sharded)):
            original, training = runner.train(f"original-{seed}", seed)
            if runner is plain:
                forgotten, seconds = runner.train(f"retrained-{seed}-without-{suffix}", seed, classes)
                # One image of many thousand less is no time less.
                image = training
            else:
                forgotten, report = runner.forget(original, seed, classes, "sisa")
                seconds, image = report["seconds"], without_image(runner, seed, original)["seconds"]
            costs[row].append({
                "accuracy": accuracy(runner, original, classes), "training": training, "image": image, "class": seconds,
                "after": accuracy(runner, forgotten, classes)})
    return costs


COLUMNS = {
    "accuracy": ("accuracy before", "{:.2f} %", 100), "after": ("after", "{:.2f} %", 100),
    "training": ("training, seconds", "{:.1f}", 1), "image": ("forgetting an image", "{:.1f}", 1),
    "class": ("forgetting the class", "{:.1f}", 1)}


def table(costs):
    lines = [["network", *(title for title, _, _ in COLUMNS.values())]]
    for row, found in costs.items():
        lines.append([row, *(running.cell([run[key] for run in found], form, factor)
                             for key, (_, form, factor) in COLUMNS.items())])
    return tables.markdown(lines, (0,))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    gaps.add_options(parser)
    parser.set_defaults(classes=["0"])
    parser.add_argument("--shards", type=int, default=5)
    parser.add_argument("--docs", action="store_true", help="write the table into Docs/Methods.md")
    arguments = parser.parse_args()
    if arguments.docs:
        tables.check_block("shards.py", DOCS)
    plain, sharded = gaps.Runner(arguments), Sharded(arguments)
    blocks = gaps.tabulated(arguments, lambda classes: table(measured(plain, sharded, classes)))
    if arguments.docs:
        tables.write_block("shards.py", blocks, DOCS)


if __name__ == "__main__":
    main()
