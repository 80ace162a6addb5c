#!/usr/bin/env python3
"""Measures what bfloat16 changes in trained, forgotten and retrained networks, by the figures of the audit.

    swift build -c release --product unlearn
    python3 Benchmarks/precision.py --work gaps-small --width 0.25 --classes 0 5 --docs

For each seed an original is trained in float32 and in bfloat16, and made to forget by '.default' in the precision in which it was
trained; both results are audited, in float32, against the same networks that were retrained without the classes in float32.
Networks that were retrained in bfloat16 are audited against these too. The difference of a seed's two runs is set beside the
deviation from seed to seed in float32: rounding does no more than another seed does where the former is within the latter.

What is finished stays in the folder of --work, and the same command goes on from there.
"""

import argparse
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "Docs/Audit.md"
sys.path.insert(0, str(HERE / "PyTorch"))
import gaps  # noqa: E402
import running  # noqa: E402
import tables  # noqa: E402


class Rounded(gaps.Runner):
    """Trains and forgets in bfloat16; its results have names of their own."""

    def command(self, *parts):
        return [*super().command(*parts), "--precision", "bfloat16"]

    def train(self, name, seed, without=None):
        return super().train(f"bfloat16-{name}", seed, without)


def audited(runner, rounded, classes):
    """By row, each seed's figures: forgotten in both precisions, and retrained in both."""
    arguments = runner.arguments
    suffix = classes.replace(",", "+")
    name = "retrained-{}-without-" + suffix
    references = [runner.train(name.format(seed), seed, classes)[0] for seed in arguments.references]
    rows = {"forgotten": [], "forgotten in bfloat16": [], "retrained": [], "retrained in bfloat16": []}
    for seed in arguments.seeds:
        for row, side in (("forgotten", runner), ("forgotten in bfloat16", rounded)):
            original, _ = side.train(f"original-{seed}", seed)
            file, _ = side.forget(original, seed, classes, "default")
            rows[row].append(runner.audit(original, file, classes, references))
    original, _ = runner.train(f"original-{arguments.seeds[0]}", arguments.seeds[0])
    for seed, reference in zip(arguments.references, references):
        others = [other for other in references if other != reference]
        rows["retrained"].append(runner.audit(original, reference, classes, others))
        twin, _ = rounded.train(name.format(seed), seed, classes)
        rows["retrained in bfloat16"].append(runner.audit(original, twin, classes, others))
    return rows


def table(rows):
    lines = [["network", *gaps.COLUMNS]]
    for row, figures in rows.items():
        lines.append([row, *(
            running.cell([figure.get(title) for figure in figures], form, factor)
            for title, (_, _, form, factor) in gaps.COLUMNS.items())])
    for kind in ("forgotten", "retrained"):
        differences, deviations = [], []
        for title, (_, _, form, factor) in gaps.COLUMNS.items():
            plain = [figure.get(title) for figure in rows[kind]]
            twins = [figure.get(title) for figure in rows[f"{kind} in bfloat16"]]
            pairs = [(a, b) for a, b in zip(plain, twins) if a is not None and b is not None]
            signed = "{:+" + form.removeprefix("{:+").removeprefix("{:")
            differences.append(running.cell([b - a for a, b in pairs], signed, factor))
            known = [factor * a for a, _ in pairs]
            deviations.append(form.replace("+", "").format(statistics.stdev(known)) if len(known) > 1 else "-")
        lines.append([f"{kind}: bfloat16 minus float32", *differences])
        lines.append([f"{kind}: from seed to seed", *deviations])
    return tables.markdown(lines, (0,))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    gaps.add_options(parser)
    parser.add_argument("--docs", action="store_true", help="write the tables into Docs/Audit.md")
    arguments = parser.parse_args()
    if arguments.docs:
        tables.check_block("precision.py", DOCS)
    runner, rounded = gaps.Runner(arguments), Rounded(arguments)
    blocks = gaps.tabulated(arguments, lambda classes: table(audited(runner, rounded, classes)))
    if arguments.docs:
        tables.write_block("precision.py", blocks, DOCS)


if __name__ == "__main__":
    main()
