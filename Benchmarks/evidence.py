#!/usr/bin/env python3
"""Trains small networks again and again, audits each against others, and writes what the verdicts are worth.

    swift build -c release --product unlearn
    python3 Benchmarks/evidence.py --work evidence train            # 24 retrained networks, hours or minutes
    python3 Benchmarks/evidence.py --work evidence spread           # how much they differ, by measure
    python3 Benchmarks/evidence.py --work evidence alarms           # how often they are beyond the limits of others
    python3 Benchmarks/evidence.py --work evidence verdicts --docs  # each against others, and what must not pass
    python3 Benchmarks/evidence.py --work evidence score --rounded  # how well each measure tells, and how robustly
    python3 Benchmarks/evidence.py --work evidence distributions    # many models of a method against many retrained ones;
                                                                    # 'verdicts' audits those of the default, too

What is finished stays in the folder of --work, and the same command goes on from there. On many processors --jobs runs
several programs at a time, each on its share of the threads; the results are the same bits. The usual spreads of
AuditThresholds.default come from the tasks of --calibration; the table of Docs/Audit.md from the task 'report', whose
class, networks and seeds no limit was chosen on. The task of digits needs scikit-learn and Pillow, the step alarms SciPy.
"""

import argparse
import itertools
import json
import math
import os
import shlex
import statistics
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "PyTorch"))
import tables  # noqa: E402

DOCS = HERE.parent / "Docs"
SMALL = ["--architecture", "resnet18:width=0.25", "--epochs", "2"]
# Name: data set, class, network and training, first seed, retrained networks. The digits are scikit-learn's, as pictures.
TASKS = {
    "report": ("fashion-mnist", "0", SMALL, 200, 24),
    "bag": ("fashion-mnist", "8", SMALL, 50, 8),
    "sandal": ("fashion-mnist", "5", SMALL, 70, 8),
    "digits": ("digits", "3", ["--architecture", "resnet18:width=0.25", "--epochs", "12", "--batch-size", "64"], 60, 8),
}
CALIBRATION = ["bag", "sandal", "digits"]
# Measures whose value for a retrained network is its mean distance to the others.
DISTANCES = ("total-variation", "jensen-shannon", "softmax-distance", "prediction-agreement")
# What must not pass, and what is true of the presets: the arguments of 'unlearn forget'.
FORGOTTEN = {
    "last-row": ["--method", "last-row"],
    "fine-tune": ["--method", "fine-tune"],
    "default": ["--preset", "default"],
    "thorough": ["--preset", "thorough"],
    "unsir": ["--preset", "paper-safe"],
    "unsir-paper": ["--preset", "paper"],
}
# What is compared with retraining as a distribution; nothing shows what the measures say of models that know the class.
COMPARED = {"nothing": None, **{name: FORGOTTEN[name] for name in ["last-row", "fine-tune", "default", "unsir"]}}
# The first seed of the originals of that comparison, which share none with the retrained networks.
COMPARED_SEED = 1000


def run(command, statuses=(0,)):
    print("$ " + shlex.join(map(str, command)), file=sys.stderr, flush=True)
    result = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    if result.returncode not in statuses:
        sys.exit(f"that ended with status {result.returncode}")
    return result.stdout


def masked(source, target, label):
    """Writes a copy of a safetensors file whose last bias forbids a class: the output is masked, nothing is forgotten."""
    data = bytearray(source.read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    start = header["fc.bias"]["data_offsets"][0] + 8 + length + 4 * label
    data[start : start + 4] = struct.pack("<f", -1000.0)
    target.write_bytes(data)


def threads(arguments):
    """The option for one of several programs that share the processors."""
    return ["--threads", max(1, (os.cpu_count() or 1) // arguments.jobs)] if arguments.jobs > 1 else []


def at_once(arguments, function, *parameters):
    """A function's results, with several calls at a time; the first failure ends it."""
    with ThreadPoolExecutor(arguments.jobs) as pool:
        return list(pool.map(function, *parameters))


def digits(folder):
    """The folder of scikit-learn's 1,797 digits as pictures of 32x32; the last third of each class is its test split."""
    if not folder.exists():
        from PIL import Image
        from sklearn import datasets

        partial = folder.with_suffix(".part")
        data = datasets.load_digits()
        for label in range(10):
            images = data.images[data.target == label]
            for split, chosen in [("train", images[: len(images) * 2 // 3]), ("test", images[len(images) * 2 // 3 :])]:
                place = partial / split / str(label)
                place.mkdir(parents=True, exist_ok=True)
                for number, image in enumerate(chosen):
                    picture = Image.fromarray((image * 255 / 16).round().astype("uint8"))
                    picture.resize((32, 32), Image.Resampling.BILINEAR).save(place / f"{number:03}.png")
        os.replace(partial, folder)
    return folder


class Task:
    def __init__(self, name, arguments):
        self.name, self.arguments = name, arguments
        dataset, self.label, self.training, self.seed, self.count = TASKS[name]
        self.dataset = f"folder:{digits(arguments.work / 'digit-pictures')}" if dataset == "digits" else dataset
        self.folder = arguments.work / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.original = self.folder / "original.safetensors"
        self.retrained = [self.folder / f"retrained-{self.seed + 1 + i}.safetensors" for i in range(self.count)]

    def trainings(self):
        """The trainings that are not finished, as commands."""
        common = [self.arguments.unlearn, "train", "--dataset", self.dataset, *self.training, *threads(self.arguments)]
        if not self.original.exists():
            yield [*common, "--seed", self.seed, "--output", self.original]
        for number, model in enumerate(self.retrained):
            if not model.exists():
                yield [*common, "--exclude-classes", self.label, "--seed", self.seed + 1 + number, "--output", model]

    def variants(self):
        """Models that were made to forget, and ones that only look like it, by name."""
        models = {"original": self.original, "masked output": self.folder / "masked.safetensors"}
        if not models["masked output"].exists():
            masked(self.original, models["masked output"], int(self.label))
        commands = []
        for name, method in FORGOTTEN.items():
            models[name] = self.folder / f"{name}.safetensors"
            if not models[name].exists():
                commands.append([
                    self.arguments.unlearn, "forget", self.original, "--classes", self.label, "--retain", self.dataset,
                    *method, "--output", models[name], *threads(self.arguments)])
        at_once(self.arguments, run, commands)
        return models

    def audit(self, model, references, name, options=(), original=None):
        """The record of an audit, kept by name."""
        kept = self.folder / f"{name}.json"
        if not kept.exists():
            text = run([
                self.arguments.unlearn, "audit", original or self.original, model, "--dataset", self.dataset,
                "--forgotten", self.label,
                "--skip-duplicate-check", "--json", *options, *threads(self.arguments), "--retrained", *references],
                statuses=(0, 2, 3))
            partial = kept.with_suffix(".part")
            partial.write_text(text)
            os.replace(partial, kept)
        return json.loads(kept.read_text())

    def against(self, name, model, count, rounded=None):
        """The record of an audit against some of the retrained networks, of all models with rounded weights if it says how."""
        kept = f"{name.replace(' ', '-')}-against-{count}" + (f"-{rounded}" if rounded else "")
        return self.audit(model, self.others(model, count), kept, ["--as", rounded] if rounded else [])

    def compared(self, name, seed):
        """The file of a model that 'distributions' makes."""
        return self.folder / "distributions" / f"{name}-{seed}.safetensors"

    def default_against(self, number, count):
        """The record of an audit of a model that 'distributions' made to forget by the default, from an original of its own."""
        seed = COMPARED_SEED + number
        references = [self.retrained[(number + 1 + i) % self.count] for i in range(count)]
        return self.audit(
            self.compared("default", seed), references, f"default-{seed}-against-{count}",
            original=self.compared("nothing", seed))

    def others(self, model, count):
        """The next retrained networks after a model, in a circle."""
        place = self.retrained.index(model) if model in self.retrained else -1
        return [self.retrained[(place + 1 + i) % self.count] for i in range(count)]


def calibrations(arguments):
    """The retrained networks' values by measure, of each task of the calibration."""
    tasks = [Task(name, arguments) for name in arguments.calibration]
    records = at_once(arguments, lambda task: task.audit(task.variants()["default"], task.retrained, "spread"), tasks)
    result = {}
    for name, record in zip(arguments.calibration, records):
        for measure in record["audit"]["measures"]:
            values = [value["value"] for value in measure.get("retrained", {}).get("values", [])]
            if len(values) > 2:
                result.setdefault(name, {})[measure["measure"]["identifier"]] = values
        # The limit of the index is one of its logarithm.
        index = result[name].get("anamnesis-index")
        if index:
            result[name]["ln anamnesis-index"] = [math.log(value) for value in index]
    return result


def spread(arguments):
    """Prints the standard deviation of every measure between retrained networks, by task."""
    found = {}
    for name, measures in calibrations(arguments).items():
        for identifier, values in measures.items():
            deviation = statistics.stdev(values)
            # Mean distances to the others share their distances.
            if identifier in DISTANCES:
                deviation *= (len(values) - 1) / (len(values) - 2)
            found.setdefault(identifier, {})[name] = (statistics.mean(values), deviation)
    lines = [["measure", *arguments.calibration, "pooled"]]
    for identifier, values in found.items():
        pooled = statistics.mean(deviation**2 for _, deviation in values.values()) ** 0.5
        cells = [f"{values[name][0]:.3f} ± {values[name][1]:.4f}" if name in values else "-" for name in arguments.calibration]
        lines.append([f"`{identifier}`", *cells, f"{pooled:.4f}"])
    text = tables.markdown(lines, (0,))
    print(text)
    if arguments.docs:
        tables.write_block("spread", [text], DOCS / "Audit.md")


def alarms(arguments):
    """Prints how often a retrained network is beyond the default limits of others, by measure and number of others.

    Distances to the others are left out, since a record has no distance of two networks.
    """
    from scipy import stats

    listed = json.loads(run([arguments.unlearn, "list", "measures", "--json"]))["measures"]
    limits = [(measure["name"], limit) for measure in listed for limit in measure["limits"] if "spread" in limit]
    tasks = calibrations(arguments)
    limits = [(name, limit) for name, limit in limits if all(name in measures for measures in tasks.values())]
    rate = 0.05 / len(limits)

    def is_beyond(name, limit, values, audited, others):
        given = [values[number] for number in others]
        value, mean = values[audited], statistics.mean(given)
        if name == "anamnesis-index":  # its values here are divided by the mean of all
            value, given, mean = value / mean, [number / mean for number in given], 1.0
        scale = math.log if limit["spread"].get("scale") == "logarithmic" else float
        scaled = [scale(number) for number in given]
        freedom = limit["spread"]["freedom"] + len(given) - 1
        squares = sum((number - statistics.mean(scaled)) ** 2 for number in scaled)
        variance = (limit["spread"]["freedom"] * limit["spread"]["deviation"] ** 2 + squares) / freedom
        far = stats.t.ppf(1 - rate, freedom) * math.sqrt(variance * (1 + 1 / len(given)))
        sign = 1 if limit["side"] == "above" else -1
        return sign * (value - mean) > limit["limit"] and sign * (scale(value) - statistics.mean(scaled)) > far

    def cases(count):
        """Each network of each task with each choice of others, as many as given."""
        for task in tasks.values():
            networks = range(min(len(values) for values in task.values()))
            for audited in networks:
                for others in itertools.combinations([number for number in networks if number != audited], count):
                    yield task, audited, others

    limits = [(name, limit) for name, limit in limits if name not in DISTANCES]
    columns = []
    for count in (1, 2, 3):
        found = [[is_beyond(name, limit, task[name], audited, others) for name, limit in limits]
                 for task, audited, others in cases(count)]
        shares = [sum(column) / len(found) for column in zip(*found)] + [sum(map(any, found)) / len(found)]
        columns.append([f"{100 * share:.1f} %" for share in shares])
    lines = [["measure", "side", "against 1", "against 2", "against 3"]]
    names = [(f"`{name}`", limit["side"]) for name, limit in limits] + [("any", "")]
    lines += [[*name, *cells] for name, cells in zip(names, zip(*columns))]
    text = tables.markdown(lines, (0, 1))
    print(text)
    if arguments.docs:
        tables.write_block("alarms", [text], DOCS / "Audit.md")


def verdicts(arguments):
    task = Task("report", arguments)
    models = [(model.stem, model) for model in task.retrained[: arguments.audited]] + list(task.variants().items())
    calls = [(name, model, count) for count in reversed(arguments.references) for name, model in models]
    at_once(arguments, task.against, *zip(*calls))
    numbers = [number for number in range(arguments.audited) if task.compared("default", COMPARED_SEED + number).exists()]
    pairs = [(number, count) for count in reversed(arguments.references) for number in numbers]
    at_once(arguments, lambda pair: task.default_against(*pair), pairs)
    lines = [["retrained models given", "audited", "pass", "leak", "over-forgotten", "incomplete"]]
    for count in arguments.references:
        retrained = [task.against(model.stem, model, count) for model in task.retrained[: arguments.audited]]
        unlearned = [task.default_against(number, count) for number in numbers]
        for records, kind in ((retrained, "retrained"), (unlearned, "by `default`")):
            totals = [record["audit"]["verdict"]["total"] for record in records]
            if totals:
                shares = [f"{100 * totals.count(word) / len(totals):.0f} %" for word in lines[0][2:]]
                lines.append([str(count), f"{len(totals)} {kind}", *shares])
    text = tables.markdown(lines, (0, 1)) + "\n"
    counts = arguments.references
    lines = [["model", *(f"against {count}" for count in counts)]]
    for name, model in task.variants().items():
        cells = []
        for count in counts:
            verdict = task.against(name, model, count)["audit"]["verdict"]
            carried = verdict["carriedBy"] if verdict["total"] != "pass" else []
            cells.append(verdict["total"] + (": " + ", ".join(f"`{word}`" for word in carried) if carried else ""))
        lines.append([name, *cells])
    text += "\n" + tables.markdown(lines, (0, *range(1, len(counts) + 1)))
    print(text)
    if arguments.docs:
        tables.write_block("evidence", [text], DOCS / "Audit.md")


def values_by_measure(records):
    """Each measure's values of the audited models, None where it has none."""
    result = {}
    for place, record in enumerate(records):
        for measure in record["audit"]["measures"]:
            values = result.setdefault(measure["measure"]["identifier"], [None] * len(records))
            values[place] = measure["unlearned"]["value"] if measure.get("unlearned") else None
    return result


def concordance(before, after):
    """The share of pairs of models that a measure puts in the same order before and after; a tie on one side is half."""
    pairs = [(b, a) for b, a in zip(before, after) if b is not None and a is not None]
    found = []
    for (b, a), (other_b, other_a) in itertools.combinations(pairs, 2):
        signs = ((b > other_b) - (b < other_b)) * ((a > other_a) - (a < other_a))
        found.append(1.0 if signs > 0 or (b == other_b and a == other_a) else 0.5 if signs == 0 else 0.0)
    return statistics.mean(found) if found else None


def score(arguments):
    """Prints for each measure how well it tells models that know the class from retrained ones (area under the curve).

    With --rounded, also its robustness: how often two models keep their order when the weights of all are rounded to 8 bits,
    which changes nothing that a model knows.
    """
    task = Task("report", arguments)
    count = arguments.references[-1]
    knowing = [(name, model) for name, model in task.variants().items()
               if name in ("original", "masked output", "last-row", "fine-tune")]
    models = knowing + [(model.stem, model) for model in task.retrained[: arguments.audited]]

    def records(rounded=None):
        return at_once(arguments, lambda model: task.against(*model, count, rounded), models)

    found = values_by_measure(records())
    rounded = values_by_measure(records("int8")) if arguments.rounded else {}
    lines = [["measure", "faithfulness", *(["robustness"] if rounded else []), "models that know"]]
    for identifier, values in found.items():
        known = [value for value in values[: len(knowing)] if value is not None]
        unknown = [value for value in values[len(knowing) :] if value is not None]
        if known and unknown:
            above = sum((k > u) + 0.5 * (k == u) for k in known for u in unknown) / len(known) / len(unknown)
            kept = concordance(values, rounded[identifier]) if identifier in rounded else None
            robustness = [f"{kept:.2f}" if kept is not None else "-"] if rounded else []
            lines.append([f"`{identifier}`", f"{max(above, 1 - above):.2f}", *robustness, str(len(known))])
    text = tables.markdown(lines, (0,))
    print(text)
    if arguments.docs:
        tables.write_block("faithfulness", [text], DOCS / "Audit.md")


def distributions(arguments):
    """Prints challenge epsilon and KLoM of several methods: originals from many seeds, each of which forgets."""
    task = Task("report", arguments)
    folder = task.folder / "distributions"
    folder.mkdir(exist_ok=True)
    model = task.compared
    if not 8 <= arguments.models <= task.count:
        sys.exit(f"halves take 8 models, and there are {task.count} retrained networks; use --models 8 to {task.count}")
    seeds = range(COMPARED_SEED, COMPARED_SEED + arguments.models)

    program, share = arguments.unlearn, threads(arguments)
    at_once(arguments, run, [
        [program, "train", "--dataset", task.dataset, *task.training, *share, "--seed", seed, "--output", model("nothing", seed)]
        for seed in seeds if not model("nothing", seed).exists()])
    at_once(arguments, run, [
        [program, "forget", model("nothing", seed), "--classes", task.label, "--retain", task.dataset, *method, *share,
         "--seed", seed, "--output", model(name, seed)]
        for name, method in COMPARED.items() for seed in seeds if method and not model(name, seed).exists()])

    def compared(name):
        kept = folder / f"{name}-{arguments.models}.json"
        if not kept.exists():
            text = run([
                program, "compare-distributions", "--dataset", task.dataset, "--classes", task.label, "--json", *share,
                "--unlearned", *(model(name, seed) for seed in seeds),
                "--retrained", *task.retrained[: arguments.models]])
            partial = kept.with_suffix(".part")
            partial.write_text(text)
            os.replace(partial, kept)
        return json.loads(kept.read_text())

    lines = [["method", "forget accuracy", "told without error", "quality", "of half", "by chance", "score", "KLoM", "of half",
              "by chance"]]
    for name, result in zip(COMPARED, at_once(arguments, compared, COMPARED)):
        whole, halves = result["measures"], result["halves"]
        columns = [whole, halves["unlearned"], halves["retrained"]]
        lines.append([
            name, f"{100 * result['unlearnedAccuracy']['forgottenTest']:.1f} %",
            f"{100 * whole['epsilon']['cappedShare']:.0f} %",
            *(f"{column['epsilon']['forgettingQuality']:.2f}" for column in columns), f"{whole['epsilon']['score']:.2f}",
            *(f"{column['divergence']['forgottenTraining']['mean']:.1f}" for column in columns)])
    text = tables.markdown(lines, (0,))
    print(text)
    if arguments.docs:
        tables.write_block("distributions", [text], DOCS / "Audit.md")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["train", "spread", "alarms", "verdicts", "score", "distributions"])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--unlearn", type=Path, default=HERE.parent / ".build/release/unlearn")
    parser.add_argument("--calibration", nargs="+", default=CALIBRATION, choices=TASKS)
    parser.add_argument("--references", nargs="+", type=int, default=[1, 3, 5])
    parser.add_argument("--jobs", type=int, default=1, help="programs that run at a time")
    parser.add_argument("--audited", type=int, default=20, help="how many of the retrained networks are audited")
    parser.add_argument("--models", type=int, default=16, help="how many models of either kind 'distributions' compares")
    parser.add_argument("--rounded", action="store_true", help="'score' also audits all models rounded to int8")
    parser.add_argument("--docs", action="store_true", help="write the tables of Docs/Audit.md")
    arguments = parser.parse_args()
    if arguments.step == "train":
        tasks = [Task(name, arguments) for name in ["report", *arguments.calibration]]
        at_once(arguments, run, [command for task in tasks for command in task.trainings()])
    else:
        steps = {"spread": spread, "alarms": alarms, "verdicts": verdicts, "score": score, "distributions": distributions}
        steps[arguments.step](arguments)


if __name__ == "__main__":
    main()
