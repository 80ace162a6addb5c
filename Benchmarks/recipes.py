#!/usr/bin/env python3
"""Compares presets and methods with retraining, and writes the tables of Docs/Recipes.md.

    swift build -c release --product unlearn
    swift build -c release --package-path Benchmarks --product recipe-variants
    python3 Benchmarks/recipes.py --work comparisons --docs [NAME...]

Each comparison is one 'unlearn compare'; its command is printed. All of them take hours on two cores; what is finished
stays in the folder of --work, and the same command goes on from there. NAME picks comparisons, by default all that have a
place in the documents. --docs needs matplotlib for a picture.
"""

import argparse
import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "PyTorch"))
import tables  # noqa: E402
from running import UNLEARN, run  # noqa: E402

DOCS = HERE.parent / "Docs"
PRESETS = "default,fast,thorough,unsir,unsir-paper,masked-teacher,fine-tune,last-row"
MAIN = "default,fast,thorough,unsir-paper,last-row"
SHORT = "default,unsir,unsir-paper,last-row"
RESNET = ["--architecture", "resnet18"]
# Name: network, classes, methods, seeds, epochs. Those with the same network and epochs have the same originals.
COMPARISONS = {
    "class-0": (RESNET, "0", PRESETS + ",retrain", 3, 3),
    "class-5": (RESNET, "5", MAIN, 3, 3),
    "classes-0-2": (RESNET, "0,2", MAIN, 3, 3),
    "methods": (RESNET, "0", "all", 1, 3),  # in class-0's folder, whose runs it goes on from
    "vit-tiny": (["--architecture", "vit-tiny", "--patch-size", "16"], "0", SHORT, 1, 2),
    # Without a place in the documents; they run where they are named.
    "classes-0-to-3": (RESNET, "0,1,2,3", MAIN, 3, 3),
    "classes-0-to-6": (RESNET, "0,1,2,3,4,5,6", MAIN, 3, 3),
    "allcnn-bn": (["--architecture", "allcnn-bn"], "0", MAIN, 3, 3),
    "allcnn": (["--architecture", "allcnn"], "0", MAIN, 3, 3),
}
FOLDERS = {"methods": "class-0"}
# What recipe-variants studies, for these classes and seeds, with another comparison's originals and references.
VARIANTS = {
    "variants-5": ("settings", "class-5", "5", 1),
    "variants-0": ("settings", "class-0", "0", 1),
    "plain-cnn": ("plain-cnn", None, "0", 1),
}
VARIANTS_RUNNER = HERE / ".build" / "release" / "recipe-variants"
# How many classes are forgotten at once, from class 0 on, and by which presets.
COUNTS, COUNTED_PRESETS = range(1, 8), ("default", "paper")
COLUMNS = {
    "forgetAccuracy": ("forget", "{:.2f} %", 100),
    "retainGap": ("retain gap", "{:+.2f}", 100),
    "totalVariation": ("TV", "{:.3f}", 1),
    "probeGap": ("probe gap", "{:+.1f}", 100),
    "relearnRatio": ("relearn", "{:.2f}", 1),
    "membershipGap": ("member gap", "{:.1f}", 100),
    "seconds": ("seconds", "{:.1f}", 1),
    "steps": ("steps", "{:.0f}", 1),
}


def take(models, folder):
    """Gives a comparison models that another one has trained."""
    folder.mkdir(parents=True, exist_ok=True)
    for model in models:
        if not (folder / model.name).exists():
            os.link(model, folder / model.name)


def compare(name, arguments):
    network, classes, methods, seeds, epochs = COMPARISONS[name]
    folder = arguments.work / FOLDERS.get(name, name)
    for other, (its_network, _, _, _, its_epochs) in COMPARISONS.items():
        # An original depends on the network, the epochs and the seed alone.
        if (its_network, its_epochs) == (network, epochs):
            take((arguments.work / other / "comparison").glob("seed-*-original.safetensors"), folder / "comparison")
    return run([
        arguments.unlearn, "compare-methods", "--dataset", arguments.dataset, *network, "--classes", classes,
        "--methods", methods, "--seeds", arguments.seeds or seeds, "--epochs", epochs, "--report",
        folder, "--json"])


def variants(name, arguments):
    study, source, classes, seeds = VARIANTS[name]
    folder = arguments.work / name
    take((arguments.work / source / "comparison").glob("*.safetensors") if source else (), folder)
    return run([VARIANTS_RUNNER, study, folder, classes, arguments.seeds or seeds])


def cell(figures, key):
    _, form, factor = COLUMNS[key]
    if key not in figures:
        return "-"
    figure = figures[key]
    text = form.format(factor * figure["mean"])
    if figure.get("margin") is not None and key not in ("steps", "seconds"):
        text += " ± " + form.replace("+", "").replace(" %", "").format(factor * figure["margin"])
    return text


def comparison_table(report):
    lines = [["method", *(title for title, _, _ in COLUMNS.values())]]
    for row in report["rows"]:
        lines.append([f"`{row['method']}`", *(cell(row["figures"], key) for key in COLUMNS)])
    return tables.markdown(lines, (0,))


def class_counts(arguments):
    """Steps, seconds and accuracies of forgetting 1, 2, ... classes of one original."""
    original = arguments.work / "class-0" / "comparison" / "seed-0-original.safetensors"
    if not original.exists():
        sys.exit(f"{original} is not there; run the comparison class-0 first")
    results = {}
    for preset in COUNTED_PRESETS:
        for count in COUNTS:
            kept = arguments.work / "counts" / f"{preset}-{count}.json"
            kept.parent.mkdir(parents=True, exist_ok=True)
            output = kept.with_suffix(".safetensors")
            # Older files have percents.
            if not kept.exists() or json.loads(kept.read_text()).get("schemaVersion") != 2:
                output.unlink(missing_ok=True)
                report = run([
                    arguments.unlearn, "forget", original, "--classes", ",".join(map(str, range(count))),
                    "--retain", arguments.dataset, "--validation", arguments.dataset, "--preset", preset,
                    "--output", output, "--json"])
                kept.write_text(json.dumps(report))
            results[preset, count] = json.loads(kept.read_text())
    return results


def counts_table(results):
    lines = [["classes", *(f"`{preset}` {what}" for preset in COUNTED_PRESETS
                           for what in ("steps", "seconds", "forget", "retain (before)"))]]
    for count in COUNTS:
        line = [str(count)]
        for preset in COUNTED_PRESETS:
            report = results[preset, count]
            after, before = report["accuracy"], report["accuracyBefore"]
            line += [
                str(report["steps"]), f"{report['seconds']:.1f}", f"{100 * after['forgotten']:.2f} %",
                f"{100 * after['retained']:.2f} % ({100 * before['retained']:.2f})"]
        lines.append(line)
    return tables.markdown(lines, ())


def draw_counts(results, path):
    """Steps and retained accuracy over the number of classes, as curves."""
    import matplotlib
    matplotlib.use("Agg")
    # The same picture from the same numbers, with text as text.
    matplotlib.rcParams.update({"svg.hashsalt": "counts", "svg.fonttype": "none", "font.family": "sans-serif"})
    from matplotlib import pyplot

    figure, (steps, retain) = pyplot.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for preset, marker in zip(COUNTED_PRESETS, "os"):
        reports = [results[preset, count] for count in COUNTS]
        steps.plot(COUNTS, [report["steps"] for report in reports], marker=marker, label=f"{preset}")
        retain.plot(COUNTS, [100 * report["accuracy"]["retained"] for report in reports], marker=marker, label=f"{preset}")
    before = [100 * results[COUNTED_PRESETS[0], count]["accuracyBefore"]["retained"] for count in COUNTS]
    retain.plot(COUNTS, before, linestyle="--", color="gray", label="original")
    steps.set(title="Optimizer steps", xlabel="classes forgotten at once")
    steps.set_ylim(bottom=0)
    retain.set(title="Accuracy on the classes that stay, %", xlabel="classes forgotten at once")
    for axes in (steps, retain):
        axes.set_xticks(COUNTS)
        axes.grid(alpha=0.3)
        axes.legend()
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join([*COMPARISONS, *VARIANTS, "counts"]))
    parser.add_argument("--work", type=Path, required=True, help="the folder that results are kept in")
    parser.add_argument("--seeds", type=int, help="seeds of every comparison, in place of its own number")
    parser.add_argument("--dataset", default="fashion-mnist", help="of the comparisons, such as cifar10:DIR")
    parser.add_argument("--docs", action="store_true", help="write the tables into Docs")
    parser.add_argument("--unlearn", type=Path, default=UNLEARN)
    arguments = parser.parse_args()
    if arguments.docs and (arguments.seeds or arguments.dataset != "fashion-mnist"):
        parser.error("the documents speak of Fashion-MNIST and the seeds given here; leave out --docs or the other")
    known = [*COMPARISONS, *VARIANTS, "counts"]
    places = {name: DOCS / "Recipes.md" for name in tables.blocks(DOCS / "Recipes.md")}
    unknown = set(arguments.names) - set(known)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    names = arguments.names or [name for name in known if name in places]
    if arguments.dataset != "fashion-mnist" and (fixed := [name for name in names if name in VARIANTS]):
        parser.error(f"{', '.join(fixed)} are of Fashion-MNIST alone; name others, or leave out --dataset")
    for name in names:
        if name == "counts":
            results = class_counts(arguments)
            table = counts_table(results)
            if arguments.docs:
                draw_counts(results, DOCS / "Pictures" / "classes.svg")
        elif name in VARIANTS:
            table = comparison_table(variants(name, arguments))
        else:
            table = comparison_table(compare(name, arguments))
        print(f"{name}\n\n{table}", flush=True)
        if arguments.docs and name in places:
            tables.write_block(name, [table], places[name])


if __name__ == "__main__":
    main()
