#!/usr/bin/env python3
"""Measures exact forgetting by shards (SISA) beside one network: what it costs in accuracy and saves in time.

    swift build -c release --product unlearn
    python3 Benchmarks/shards.py --work gaps-small --width 0.25 --docs
    python3 Benchmarks/shards.py --work gaps-small --width 0.25 --seeds 1 --shards 3 --classes 5

For each seed a usual network and one of --shards copies are trained on the same images. Both forget one image, the first of
the training split, and then, from the same start, a class: the usual network by being trained again without it, the shards
by 'forget --method sisa'. What the shards forgot is audited against shards of other seeds that never saw the class, and so
are these against each other: forgetting that is exact differs from that row by chance alone. Figures are means over seeds
with half of the 95 % interval.

--work is a folder of gaps.py, whose networks are used; what is finished stays there, and the same command goes on from there.
--docs writes the tables into Docs/Methods.md.
"""

import argparse
from pathlib import Path

import gaps
import running
import tables  # gaps.py has told Python where it is.

DOCS = Path(__file__).resolve().parent.parent / "Docs/Methods.md"
SHOWN = ["forget", "retain", "TV", "probe", "class center", "entropy", "prototype", "relearn"]


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
    """Lists of costs by row, and of an audit's figures by row."""
    arguments = plain.arguments
    suffix = classes.replace(",", "+")
    costs = {"one network": [], f"{arguments.shards} shards": []}
    audits = {"shards, retrained": [], "shards, `sisa`": []}
    name = f"retrained-{{}}-without-{suffix}"
    references = [sharded.train(name.format(seed), seed, classes)[0] for seed in arguments.references]
    for seed in arguments.seeds:
        for row, runner in zip(costs, (plain, sharded)):
            original, training = runner.train(f"original-{seed}", seed)
            if runner is plain:
                forgotten, seconds = runner.train(name.format(seed), seed, classes)
                # One image of many thousand less is no time less.
                image = training
            else:
                forgotten, report = runner.forget(original, seed, classes, "sisa")
                seconds, image = report["seconds"], without_image(runner, seed, original)["seconds"]
                audits["shards, `sisa`"].append(runner.audit(original, forgotten, classes, references))
            costs[row].append({
                "accuracy": accuracy(runner, original, classes), "training": training, "image": image, "class": seconds,
                "after": accuracy(runner, forgotten, classes)})
    first, _ = sharded.train(f"original-{arguments.seeds[0]}", arguments.seeds[0])
    for reference in references:
        others = [other for other in references if other != reference]
        if others:
            audits["shards, retrained"].append(sharded.audit(first, reference, classes, others))
    return costs, audits


def cost_table(costs):
    columns = {
        "accuracy": ("retained classes", "{:.2f} %", 100), "after": ("without the class", "{:.2f} %", 100),
        "training": ("training, seconds", "{:.1f}", 1), "image": ("one image, seconds", "{:.1f}", 1),
        "class": ("the class, seconds", "{:.1f}", 1)}
    lines = [["", *(title for title, _, _ in columns.values())]]
    for row, found in costs.items():
        lines.append([row, *(running.cell([run[key] for run in found], form, factor)
                             for key, (_, form, factor) in columns.items())])
    return tables.markdown(lines, (0,))


def audit_table(audits):
    lines = [["network", *SHOWN]]
    for row, found in audits.items():
        lines.append([row, *(running.cell([figures.get(title) for figures in found], *gaps.COLUMNS[title][2:])
                             for title in SHOWN)])
    return tables.markdown(lines, (0,))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    gaps.add_options(parser)
    parser.set_defaults(classes=["0"])
    parser.add_argument("--shards", type=int, default=5)
    parser.add_argument("--docs", action="store_true", help="write the tables into Docs/Methods.md")
    arguments = parser.parse_args()
    if arguments.docs:
        tables.check_block("shards.py", DOCS)
    plain, sharded = gaps.Runner(arguments), Sharded(arguments)
    blocks = []
    for classes in arguments.classes:
        costs, audits = measured(plain, sharded, classes)
        blocks += [gaps.titled(arguments, classes), cost_table(costs), audit_table(audits)]
    print("\n" + "\n\n".join(blocks))
    if arguments.docs:
        tables.write_block("shards.py", blocks, DOCS)


if __name__ == "__main__":
    main()
