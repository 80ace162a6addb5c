#!/usr/bin/env python3
"""Forgets classes one after another and compares with one request for all of them, and with retraining.

    swift build -c release --product unlearn
    python3 Benchmarks/sequential.py --work sequential

For each seed: a network is trained; it is made to forget class 0, then 5, then 2, each time from the file that the request
before has written; another copy forgets all three at once; and a network is trained without the three. The table has, for
each method, the highest accuracy of any class that was asked for so far, after each step; the retained accuracy after the
last step less that of the one joint request; and, against the retrained network, the linear probe's gap and the total
variation of the outputs. What is finished stays in the folder of --work, and the same command goes on from there, with
further seeds, too; a method whose settings have changed is run again. --jobs runs several programs at a time. --docs writes the table into Docs/Benchmarks.md.
"""

import argparse
import os
import shlex
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "PyTorch"))
import tables  # noqa: E402
from running import UNLEARN, kept, run  # noqa: E402

DOCS = HERE.parent / "Docs/Benchmarks.md"
# The default, UNSIR's own recipe, a method that sees the forget data, and one that sees no data at all.
METHODS = "default,unsir,unsir-paper,scrub,zero-shot"
MEASURES = ["linear-probe", "total-variation"]
COLUMNS = ["method", "seeds", "step 1", "step 2", "step 3", "retained", "one request", "difference", "probe gap", "TV"]


class Sequence:
    """One seed's networks, and what is measured of them."""

    def __init__(self, options, seed):
        self.options, self.seed = options, seed
        self.folder = options.work / f"seed-{seed}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = ["--dataset", options.dataset]
        self.common = ["--json", "--quiet", "--threads", str(options.threads or max(1, (os.cpu_count() or 1) // options.jobs))]

    def networks(self):
        """The network that has seen all classes, and the one that was trained without those to forget."""
        classes = self.options.classes
        return [("original", None), ("without-" + classes.replace(",", "-"), classes)]

    def train(self, name, excluded=None):
        network = self.folder / f"{name}.safetensors"
        key = [self.options.dataset, self.options.architecture, self.options.epochs, excluded]

        def make():
            command = [self.options.unlearn, "train", *self.data, "--architecture", self.options.architecture]
            command += ["--epochs", self.options.epochs, "--seed", self.seed, "--output", network, *self.common]
            run(command + (["--exclude-classes", excluded] if excluded else []))
            return True

        kept(self.folder / f"{name}.json", key, make)
        return network

    def forget(self, method, settings, model, classes, name, base):
        """Makes a network forget; the accuracies after it."""
        network = self.folder / f"{method}-{name}.safetensors"

        def make():
            command = [self.options.unlearn, "forget", model, "--classes", classes, "--method", method]
            command += ["--retain", self.options.dataset, "--validation", self.options.dataset]
            # A method that ruins the network has its place in the table.
            command += ["--keep-ruined"]
            report = run(command + ["--seed", self.seed, "--output", network, *self.common])
            return {"accuracy": report["accuracy"], "notes": report["notes"]}

        result = kept(self.folder / f"{method}-{name}.json", [settings, classes, base], make)
        return network, result["accuracy"]

    def audit(self, method, settings, original, network, classes, reference, base):
        def make():
            command = [self.options.unlearn, "audit", original, network, *self.data, "--forgotten", classes]
            command += ["--skip-duplicate-check"]
            command += ["--quick"] if self.options.quick else []
            command += ["--seed", self.seed, *self.common, "--retrained", reference]
            record = run(command, statuses=(0, 2, 3))
            measures = {entry["measure"]["identifier"]: entry for entry in record["audit"]["measures"]}
            return {name: measures[name].get("unlearned", {}).get("value") for name in MEASURES} | {
                name + "-retrained": measures[name].get("retrained", {}).get("mean") for name in MEASURES
            }

        return kept(self.folder / f"{method}-audit.json", [settings, classes, base, self.options.quick], make)

    def figures(self, method, settings):
        classes = self.options.classes.split(",")
        original, reference = (self.train(*network) for network in self.networks())
        base = [self.options.dataset, self.options.architecture, self.options.epochs]
        model, worst, accuracy = original, [], None
        for step, label in enumerate(classes):
            model, accuracy = self.forget(method, settings, model, label, f"step-{step + 1}", base + classes[:step])
            worst.append(max(accuracy["perClass"][int(earlier)] for earlier in classes[: step + 1]))
        _, joint = self.forget(method, settings, original, self.options.classes, "joint", base)
        # The last step's report is of all classes that were forgotten so far, as the file remembers them.
        retained = accuracy["retained"]
        measured = self.audit(method, settings, original, model, self.options.classes, reference, base)
        return {
            "worst": worst,
            "retained": retained,
            "joint": joint["retained"],
            "probe": difference(measured["linear-probe"], measured["linear-probe-retrained"]),
            "TV": measured["total-variation"],
        }


def difference(one, other):
    """What is left of the other; None where an audit had too few images for one of them."""
    return None if one is None or other is None else one - other


def settings_of(options, method):
    """The method's settings as JSON, so that a change of them runs it again."""
    listed = run([options.unlearn, "list", "methods", method, "--json"])
    return listed["methods"][0]["settings"]


def row(method, runs):
    def text(values, form, factor=1.0):
        known = [value for value in values if value is not None]
        return form.format(statistics.mean(known) * factor) if known else "-"

    steps = [text([r["worst"][step] for r in runs], "{:.2f} %", 100) for step in range(len(runs[0]["worst"]))]
    return [
        method, str(len(runs)), *steps, text([r["retained"] for r in runs], "{:.2f} %", 100),
        text([r["joint"] for r in runs], "{:.2f} %", 100),
        text([r["retained"] - r["joint"] for r in runs], "{:+.2f}", 100),
        text([r["probe"] for r in runs], "{:+.1f}", 100), text([r["TV"] for r in runs], "{:.3f}"),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for what is finished")
    parser.add_argument("--unlearn", type=Path, default=UNLEARN, help="the program")
    parser.add_argument("--dataset", default="fashion-mnist")
    parser.add_argument("--architecture", default="resnet18")
    parser.add_argument("--epochs", type=int, default=3, help="passes in each training")
    parser.add_argument("--classes", default="0,5,2", help="in the order in which they are forgotten")
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="programs that run at a time")
    parser.add_argument("--threads", type=int, help="of each program; by default its share of the processors")
    parser.add_argument("--quick", action="store_true", help="audit on fewer images, without relearning")
    parser.add_argument("--docs", action="store_true", help="write the table into Docs/Benchmarks.md")
    options = parser.parse_args()
    columns = COLUMNS[:2] + [f"step {n + 1}" for n in range(len(options.classes.split(",")))] + COLUMNS[5:]
    found = {method: [] for method in options.methods.split(",")}
    settings = {method: settings_of(options, method) for method in found}
    sequences = [Sequence(options, seed) for seed in range(options.first_seed, options.first_seed + options.seeds)]
    with ThreadPoolExecutor(options.jobs) as pool:
        networks = [(sequence, network) for sequence in sequences for network in sequence.networks()]
        list(pool.map(lambda pair: pair[0].train(*pair[1]), networks))
        pairs = [(sequence, method) for sequence in sequences for method in found]
        for (_, method), figures in zip(
                pairs, pool.map(lambda pair: pair[0].figures(pair[1], settings[pair[1]]), pairs), strict=True):
            found[method].append(figures)
    rows = [row(name, runs) for name, runs in found.items()]
    print(tables.aligned([columns, *rows], {0}), flush=True)
    if options.docs:
        command = "python3 Benchmarks/sequential.py " + shlex.join(
            argument for argument in sys.argv[1:] if argument != "--docs")
        left = {0}
        tables.write_block("sequential.py", [f"`{command}`:", tables.markdown([columns, *rows], left)], DOCS)


if __name__ == "__main__":
    main()
