#!/usr/bin/env python3
"""Measures how far unlearned networks are from retrained ones, by every figure that an audit judges or shows.

    swift build -c release --product unlearn
    python3 Benchmarks/gaps.py --work gaps                        # classes 0, 5 and {0, 2}, three seeds, three references
    python3 Benchmarks/gaps.py --work gaps-small --width 0.25 --classes 3 --seeds 11 --methods default noiseless
    python3 Benchmarks/gaps.py --work gaps-small --width 0.25 --classes 3 --seeds 11 --methods default:featureWeight=1,damage=none

METHOD:SETTING=VALUE,... is a method with other settings, as 'unlearn forget --set' takes them.

For each seed an original is trained, made to forget by every method, and audited against networks that were retrained
without the classes. The row 'retrained' audits each of these against the others: no method can be expected to do better.
Figures are means over seeds with half of the 95 % interval; gaps are in points, unlearned minus retrained. Everything is
done by 'unlearn train', 'forget' and 'audit'. What is finished stays in the folder of --work, and the same command goes
on from there: delete the folder, or its files of a method, after a change of the program.
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "PyTorch"))
import running  # noqa: E402
import tables  # noqa: E402

PRESETS = {"paper", "paper-safe"}
# Column: measure of the audit, its part, format, factor.
COLUMNS = {
    "forget": ("forget-accuracy-test", "gap", "{:+.2f}", 100),
    "retain": ("retain-accuracy-test", "gap", "{:+.2f}", 100),
    "TV": ("total-variation", "unlearned", "{:.3f}", 1),
    "probe": ("linear-probe", "gap", "{:+.1f}", 100),
    "class center": ("nearest-centroid", "gap", "{:+.1f}", 100),
    "entropy": ("membership-entropy", "gap", "{:+.1f}", 100),
    "prototype": ("prototype-relearning", "gap", "{:+.1f}", 100),
    "relearn": ("anamnesis-index", "unlearned", "{:.2f}", 1),
}


class Runner(running.Runner):
    def __init__(self, arguments):
        self.arguments = arguments
        folder = arguments.work / f"width-{arguments.width:g}-epochs-{arguments.epochs}"
        super().__init__(folder, arguments.unlearn, arguments.threads)

    def train(self, name, seed, without=None):
        file = self.folder / f"{name}.safetensors"
        network = f"resnet18:width={self.arguments.width:g}" if self.arguments.width != 1 else "resnet18"
        excluded = ["--exclude-classes", without] if without else []
        report = self.run(
            name, "train", "--dataset", self.arguments.dataset, "--architecture", network, "--epochs",
            self.arguments.epochs, "--seed", seed, "--output", file, *excluded)
        return file, report["seconds"]

    def forget(self, original, seed, classes, method, samples_per_class=None):
        name = f"{original.stem}-{classes.replace(',', '+')}-{method}"
        images = []
        if samples_per_class is not None:
            name += f"-{samples_per_class}-images"
            images = ["--samples-per-class", samples_per_class]
        file = self.folder / f"{name}.safetensors"
        method, _, settings = method.partition(":")
        option = "--preset" if method in PRESETS else "--method"
        changed = [part for setting in filter(None, settings.split(",")) for part in ("--set", setting)]
        return file, self.run(
            name, "forget", original, "--classes", classes, "--retain", self.arguments.dataset, option, method, "--seed",
            seed, "--output", file, "--keep-ruined", *images, *changed)

    def audit(self, original, unlearned, classes, references):
        record = self.run(
            f"audit-{unlearned.stem}-{classes.replace(',', '+')}", "audit", original, unlearned, "--dataset",
            self.arguments.dataset, "--forgotten", classes, "--retrained", *references, statuses=(0, 2, 3))
        measures = {item["measure"]["identifier"]: item for item in record["audit"]["measures"]}
        return {
            title: measures[name].get(part, {}).get("value")
            for title, (name, part, _, _) in COLUMNS.items()
            if name in measures
        }


def titled(arguments, classes):
    """What a table is of, in words."""
    word = "Classes" if "," in classes else "Class"
    return (f"{word} {classes.replace(',', ' and ')}, ResNet-18 at {arguments.width:g} of its width, "
            f"{arguments.epochs} epochs:")


def tabulated(arguments, table):
    """A title and a table for each set of classes, which are printed as soon as they are there."""
    blocks = []
    for classes in arguments.classes:
        blocks += [titled(arguments, classes), table(classes)]
        print("\n" + "\n\n".join(blocks[-2:]), flush=True)
    return blocks


def table(runner, classes):
    arguments = runner.arguments
    suffix = classes.replace(",", "+")
    trained = [runner.train(f"retrained-{seed}-without-{suffix}", seed, classes) for seed in arguments.references]
    references = [file for file, _ in trained]
    epoch = sum(seconds for _, seconds in trained) / len(trained) / arguments.epochs
    originals = {seed: runner.train(f"original-{seed}", seed)[0] for seed in arguments.seeds}
    rows = {"retrained": []}
    first = originals[arguments.seeds[0]]
    for reference in references:
        others = [other for other in references if other != reference]
        if others:
            rows["retrained"].append((runner.audit(first, reference, classes, others), None))
    for method in arguments.methods:
        rows[method] = []
        for seed, original in originals.items():
            file, report = runner.forget(original, seed, classes, method)
            rows[method].append((runner.audit(original, file, classes, references), report))
    lines = [["method", *COLUMNS, "steps", "two epochs / seconds"]]
    for method, runs in rows.items():
        reports = [report for _, report in runs if report]
        lines.append([
            f"`{method}`" if reports else method,
            *(running.cell([figures.get(title) for figures, _ in runs], form, factor)
              for title, (_, _, form, factor) in COLUMNS.items()),
            running.cell([report["steps"] for report in reports], "{:.0f}", 1).split(" ±")[0],
            # An edit of one row takes no time that could be compared.
            running.cell([2 * epoch / report["seconds"] for report in reports if report["seconds"] > 0.1], "{:.1f}", 1),
        ])
    return tables.markdown(lines, (0,))


def add_options(parser):
    """The options that experiments over the same originals and retrained networks share."""
    parser.add_argument("--unlearn", type=Path, default=running.UNLEARN)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--dataset", default="fashion-mnist")
    parser.add_argument("--classes", nargs="+", default=["0", "5", "0,2"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--references", nargs="+", type=int, default=[101, 102, 103], help="seeds of retrained networks")
    parser.add_argument("--width", type=float, default=1, help="multiple of the network's channels")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--methods", nargs="+",
                        default=["default", "noiseless", "fast", "thorough", "unsir-paper", "last-row"])
    parser.add_argument("--docs", action="store_true", help="write the tables into Docs/Recipes.md")
    arguments = parser.parse_args()
    runner = Runner(arguments)
    blocks = tabulated(arguments, lambda classes: table(runner, classes))
    if arguments.docs:
        tables.write_block("gaps.py", blocks, HERE.parent / "Docs/Recipes.md")


if __name__ == "__main__":
    main()
