#!/usr/bin/env python3
"""Forgets with no image at all, and with 1, 5, 10, 100 and 1,000 images of each retained class.

    swift build -c release --product unlearn
    python3 Benchmarks/few_shot.py --work gaps --width 0.5 --docs     # originals and retrained networks of gaps.py
    python3 Benchmarks/few_shot.py --work gaps-small --width 0.25 --classes 3 --seeds 11 --counts 1 10

--work is the folder of gaps.py: originals and retrained networks that are there already are used. METHOD:SETTING=VALUE,... is
a method with other settings, as 'unlearn forget --set' takes them. --imageless methods learn from no image; the guard watches
them on 100 images a class all the same, and 'repeated' says for how many seeds a guard made a method run again: where that is
0, the network is what the method makes of no image at all.

Figures are means over seeds with half of the 95 % interval, against networks that were retrained without the classes; gaps are
in points, unlearned minus retrained. --docs writes tables and curves into Docs/Recipes.md and Docs/Pictures (needs matplotlib).
"""

import argparse
from pathlib import Path

import gaps
import running
import tables  # gaps.py has told Python where it is.

SHOWN = ["forget", "retain", "probe", "TV"]
DOCS = Path(__file__).resolve().parent.parent / "Docs"


def runs(runner, classes):
    """What every method reaches by number of images, as (figures, report) of each seed; and retraining itself."""
    arguments = runner.arguments
    suffix = classes.replace(",", "+")
    references = [runner.train(f"retrained-{seed}-without-{suffix}", seed, classes)[0] for seed in arguments.references]
    originals = {seed: runner.train(f"original-{seed}", seed)[0] for seed in arguments.seeds}
    first = originals[arguments.seeds[0]]
    retrained = []
    for reference in references:
        others = [other for other in references if other != reference]
        if others:
            retrained.append((runner.audit(first, reference, classes, others), None))
    cases = [(method, None) for method in arguments.imageless]
    cases += [(method, count) for method in arguments.methods for count in arguments.counts]
    results = {}
    for method, count in cases:
        results[method, count] = []
        for seed, original in originals.items():
            file, report = runner.forget(original, seed, classes, method, samples_per_class=count)
            results[method, count].append((runner.audit(original, file, classes, references), report))
    return retrained, results


def cells(measured):
    return [running.cell([figures.get(title) for figures, _ in measured], *gaps.COLUMNS[title][2:]) for title in SHOWN]


def table(retrained, results):
    lines = [["images a class", "method", *SHOWN, "steps", "seconds", "repeated"]]
    if retrained:
        lines.append(["all", "retrained", *cells(retrained), "-", "-", "-"])
    for (method, count), measured in results.items():
        reports = [report for _, report in measured]
        repeated = sum(any("backed off" in note or "is repeated" in note for note in report["notes"]) for report in reports)
        lines.append([
            "0" if count is None else f"{count:,}", f"`{method}`", *cells(measured),
            running.cell([report["steps"] for report in reports], "{:.0f}", 1).split(" ±")[0],
            running.cell([report["seconds"] for report in reports], "{:.1f}", 1), f"{repeated} of {len(reports)}"])
    return tables.markdown(lines, (1,))


def draw(curves, path):
    """Each class's gaps over the number of images, with half of the 95 % interval."""
    import matplotlib
    matplotlib.use("Agg")
    # The same picture from the same numbers, with text as text.
    matplotlib.rcParams.update({"svg.hashsalt": "few-shot", "svg.fonttype": "none", "font.family": "sans-serif"})
    from matplotlib import pyplot

    titles = {"retain": "Retained accuracy to retraining's, points", "probe": "Linear probe to retraining's, points"}
    figure, rows = pyplot.subplots(
        len(curves), len(titles), figsize=(9, 3.2 * len(curves)), layout="constrained", squeeze=False)
    for line, (classes, results) in zip(rows, curves.items()):
        for axes, (title, text) in zip(line, titles.items()):
            for method, marker in zip(dict.fromkeys(method for method, _ in results), "osD^vPX*"):
                points = {}
                for (name, count), measured in results.items():
                    values = [100 * figures[title] for figures, _ in measured if figures.get(title) is not None]
                    if name == method and values:
                        points[count or 0] = (sum(values) / len(values), half_interval(values))
                axes.errorbar(
                    list(points), [mean for mean, _ in points.values()], [half for _, half in points.values()],
                    marker=marker, capsize=2, label=method)
            axes.axhline(0, linestyle="--", color="gray")
            # Zero has its place on a logarithmic axis.
            axes.set_xscale("symlog", linthresh=1)
            counts = sorted({count or 0 for _, count in results})
            axes.set_xticks(counts, [f"{count:,}" for count in counts])
            axes.set_xlim(-0.3, 1.6 * counts[-1])
            axes.set(title=f"{text}, class {classes.replace(',', ' and ')}", xlabel="images of each retained class")
            axes.minorticks_off()
            axes.grid(alpha=0.3)
    figure.legend(*rows[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def half_interval(values):
    """Half of the mean's 95 % interval; 0 for one value, which has none."""
    return running.half_interval(values) or 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    gaps.add_options(parser)
    parser.set_defaults(classes=["0", "5"])
    parser.add_argument("--counts", nargs="+", type=int, default=[1, 5, 10, 100, 1000], help="images of each class")
    parser.add_argument("--imageless", nargs="*", default=["zero-shot", "last-row"], help="methods that see no image")
    parser.add_argument("--methods", nargs="+", default=["default", "default:training.freezesBatchNorm=true"])
    parser.add_argument("--docs", action="store_true", help="write tables and curves into Docs")
    arguments = parser.parse_args()
    if arguments.docs:
        # Found out before the hours of work.
        import matplotlib  # noqa: F401
    runner = gaps.Runner(arguments)
    curves = {}

    def measured(classes):
        retrained, curves[classes] = runs(runner, classes)
        return table(retrained, curves[classes])

    blocks = gaps.tabulated(arguments, measured)
    if arguments.docs:
        tables.write_block("few_shot.py", blocks, DOCS / "Recipes.md")
        draw(curves, DOCS / "Pictures" / "few-shot.svg")


if __name__ == "__main__":
    main()
