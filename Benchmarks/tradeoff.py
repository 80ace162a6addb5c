#!/usr/bin/env python3
"""Draws what the default method's settings trade: retained accuracy and time against what the network still knows.

    swift build -c release --product unlearn
    python3 Benchmarks/tradeoff.py --work gaps-small --docs       # class 3, two seeds, a quarter of the width: some ten minutes
    python3 Benchmarks/tradeoff.py --work gaps-small --classes 8 --seeds 11

One setting of 'default' is changed at a time: how long the repair trains (without a least number of steps), how much of the
network it trains, the weight of the pull to the prototypes, and the rate in multiples of the original's. The network and the
classes are ones that settings are chosen on (classes 1, 3, 7 and 8, seeds from 11 on), never those that the tables of
Docs/Recipes.md report. --work is a folder of gaps.py, whose originals and retrained networks are used; what is finished
stays there. Figures are means over seeds and classes with half of the 95 % interval; gaps are in points, unlearned minus retrained.
--docs writes the table into Docs/Recipes.md and the curves into Docs/Pictures (needs matplotlib).
"""

import argparse
from pathlib import Path

import gaps
import running
import tables  # gaps.py has told Python where it is.

DOCS = Path(__file__).resolve().parent.parent / "Docs"
# Words for a setting: its values, with the settings that they take; None is the default's own.
CURVES = {
    "epochs": {
        "1": "training.epochs=1,training.minimumSteps=0", "2": "training.epochs=2,training.minimumSteps=0", "4": None},
    "trained share": {"0.3": "trainedShare=0.3", "0.5": None, "0.7": "trainedShare=0.7"},
    "pull μ": {"1": "featureWeight=1", "2": None, "4": "featureWeight=4"},
    "rate factor": {"1": "rateFactor=1", "2": None, "4": "rateFactor=4"},
}
SHOWN = ["forget", "retain", "TV", "probe", "class center", "entropy", "prototype", "relearn"]
# The bars of the Recipes page, in points: what is drawn against retained accuracy.
BARS = {"probe": 2.5, "class center": 10, "prototype": 8}
LEAST_RETAINED = -0.3


def measured(runner):
    """What each of the settings reaches, as (figures, report) of each class and seed; and retraining itself."""
    arguments = runner.arguments
    variants = {None: []} | {settings: [] for values in CURVES.values() for settings in values.values()}
    retrained = []
    for classes in arguments.classes:
        suffix = classes.replace(",", "+")
        references = [runner.train(f"retrained-{seed}-without-{suffix}", seed, classes)[0] for seed in arguments.references]
        originals = {seed: runner.train(f"original-{seed}", seed)[0] for seed in arguments.seeds}
        first = originals[arguments.seeds[0]]
        for reference in references:
            others = [other for other in references if other != reference]
            if others:
                retrained.append((runner.audit(first, reference, classes, others), None))
        for settings, runs in variants.items():
            method = "default" if settings is None else f"default:{settings}"
            for seed, original in originals.items():
                file, report = runner.forget(original, seed, classes, method)
                runs.append((runner.audit(original, file, classes, references), report))
    return retrained, variants


def cells(runs):
    return [running.cell([figures.get(title) for figures, _ in runs], *gaps.COLUMNS[title][2:]) for title in SHOWN]


def table(retrained, variants):
    lines = [["setting", *SHOWN, "seconds", "steps"]]
    if retrained:
        lines.append(["retrained", *cells(retrained), "-", "-"])
    rows = {"as it is": None} | {
        f"{name} {value}": settings for name, values in CURVES.items() for value, settings in values.items() if settings}
    for title, settings in rows.items():
        reports = [report for _, report in variants[settings]]
        lines.append([
            title, *cells(variants[settings]), running.cell([report["seconds"] for report in reports], "{:.1f}", 1),
            running.cell([report["steps"] for report in reports], "{:.0f}", 1).split(" ±")[0]])
    return tables.markdown(lines, (0,))


def mean(runs, title):
    values = [gaps.COLUMNS[title][3] * figures[title] for figures, _ in runs if figures.get(title) is not None]
    return sum(values) / len(values)


def seconds(runs):
    return sum(report["seconds"] for _, report in runs) / len(runs)


def draw(variants, path):
    """Curves of the settings: what is still known, and the time, over retained accuracy; bars are dashed."""
    import matplotlib
    matplotlib.use("Agg")
    # The same picture from the same numbers, with text as text.
    matplotlib.rcParams.update({"svg.hashsalt": "tradeoff", "svg.fonttype": "none", "font.family": "sans-serif"})
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(2, 2, figsize=(9, 6.6), layout="constrained", sharex=True)
    titles = {"probe": "Linear probe", "class center": "Nearest class center", "prototype": "Prototype relearning"}
    for axes, title in zip(panels.flat, [*titles, None]):
        for (name, values), marker in zip(CURVES.items(), "osD^"):
            runs = [variants[settings] for settings in values.values()]
            x = [mean(found, "retain") for found in runs]
            y = [mean(found, title) if title else seconds(found) for found in runs]
            axes.plot(x, y, marker=marker, label=f"{name}: {', '.join(values)}")
            axes.annotate(list(values)[0], (x[0], y[0]), textcoords="offset points", xytext=(4, 4), fontsize=8)
        own = variants[None]
        axes.plot(
            [mean(own, "retain")], [mean(own, title) if title else seconds(own)], "*", markersize=13, color="black",
            label="the default", linestyle="none")
        axes.axvline(LEAST_RETAINED, linestyle="--", color="gray", linewidth=1)
        if title:
            for bar in (-BARS[title], BARS[title]):
                axes.axhline(bar, linestyle="--", color="gray", linewidth=1)
        else:
            axes.set_ylim(bottom=0)
        axes.set_title(f"{titles[title]} to retraining's, points" if title else "Seconds")
        axes.grid(alpha=0.3)
    for axes in panels[-1]:
        axes.set_xlabel("retained accuracy to retraining's, points")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    gaps.add_options(parser)
    parser.set_defaults(classes=["3"], seeds=[11, 12], references=[21, 22, 23], width=0.25)
    parser.add_argument("--picture", type=Path, help="draw the curves into this SVG file, too")
    parser.add_argument("--docs", action="store_true", help="write table and curves into Docs")
    arguments = parser.parse_args()
    if arguments.docs or arguments.picture:
        # Found out before the minutes of work.
        import matplotlib  # noqa: F401
    retrained, variants = measured(gaps.Runner(arguments))
    text = table(retrained, variants)
    what = f"{'Class' if len(arguments.classes) == 1 else 'Classes'} {' and '.join(arguments.classes)}"
    heading = (f"{what}, {len(arguments.seeds)} seed{'s' * (len(arguments.seeds) > 1)}, {len(arguments.references)} retrained "
               f"networks, ResNet-18 at {arguments.width:g} of its width:")
    print(f"{heading}\n\n{text}")
    if arguments.picture:
        draw(variants, arguments.picture)
    if arguments.docs:
        picture = "![Probe, class center, prototype relearning and seconds over retained accuracy](Pictures/tradeoff.svg)"
        tables.write_block("tradeoff.py", [heading, picture, text], DOCS / "Recipes.md")
        draw(variants, DOCS / "Pictures" / "tradeoff.svg")


if __name__ == "__main__":
    main()
