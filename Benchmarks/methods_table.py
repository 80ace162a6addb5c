#!/usr/bin/env python3
"""Compares all methods, with published settings and with tuned ones, on three networks, and writes the tables of Docs/Methods.md.

    swift build -c release --product unlearn
    python3 Benchmarks/methods_table.py --work methods --docs
    python3 Benchmarks/methods_table.py --work methods resnet18-0 --seeds 1 --methods last-row fine-tune scrub   # a part
    python3 Benchmarks/methods_table.py --work methods --jobs 8 --limit-minutes 10       # 16 processors, for ten minutes
    python3 Benchmarks/methods_table.py --work methods resnet18-0 --dataset cifar10:DIR  # CIFAR-10 in place of Fashion-MNIST
    python3 Benchmarks/methods_table.py --work methods resnet18-0 --dataset folder:DIR --image-size 64 --samples-per-class 200

For each seed an original and a network without the classes are trained; every method makes the original forget, unguarded,
by its default settings, which are the published ones where there are any; the result is audited against the other network.
All of that is 'unlearn compare-methods'. The rows 'tuned' have the rate, then the schedule (constant, cosine, one cycle), or the
setting of GRIDS, that was best for another class and another original (class 7, seed 11): the largest accuracy on the retained
classes minus that on the forgotten one, on training images that the method did not see ('unlearn tune'). Methods that see
forget data alone may keep batch norm's statistics, too. No test image and no class, seed or network of the tables has a part in
that. --dataset takes CIFAR-10, CIFAR-100 or a folder of your own, such as ImageNet's classes; its results are kept apart. What
is finished stays in the folder of --work, and the same command goes on from there. Change nothing but --jobs between: what ran
under other settings of this script is run again.

Needs Python 3.10 and its standard library alone.
"""

import argparse
import os
import shlex
import shutil
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "PyTorch"))
import tables  # noqa: E402
from methods_setup import COMPARISONS, GRIDS, NETWORKS, OTHERS, SCHEDULES, shrunk  # noqa: E402
from running import UNLEARN, ProgramFailed, Runner, cell, kept, measured, run  # noqa: E402

DOCS = HERE.parent / "Docs/Methods.md"
TUNED_CLASS, TUNED_SEED = "7", 11
# Methods of one program, which audits original and reference once for all of them; more would make too much of what is lost
# when it is stopped.
METHODS_AT_ONCE = 6
# Figure of compare-methods: title, format, factor.
COLUMNS = {
    "forgetAccuracy": ("forget", "{:.2f} %", 100),
    "retainGap": ("retain gap", "{:+.2f}", 100),
    "totalVariation": ("TV", "{:.3f}", 1),
    "probeGap": ("probe gap", "{:+.1f}", 100),
    "relearnRatio": ("relearn", "{:.2f}", 1),
    "seconds": ("seconds", "{:.1f}", 1),
}


class OutOfTime(Exception):
    """The time that was given is over."""


class Experiment:
    """The programs of all tables, and what they gave."""

    def __init__(self, options):
        self.options = options
        self.deadline = time.monotonic() + 60 * options.limit_minutes if options.limit_minutes else None
        threads = options.threads or max(1, (os.cpu_count() or 1) // options.jobs)
        self.runner = Runner(options.work, options.unlearn, threads)
        for folder in ("data", "models", "results", "running"):
            (options.work / folder).mkdir(exist_ok=True)
        listed = run([options.unlearn, "methods", "--json"])["methods"]
        self.methods = {method["name"]: method for method in listed if "shards" not in method["requirements"]}
        self.processor, self.failures, self.unfinished, self.lock = {}, [], 0, threading.Lock()
        self.dataset = {name: self.data(name) for name in {COMPARISONS[name][0] for name in options.names}}

    def data(self, network):
        if self.options.dataset:
            return self.options.dataset
        shrink = NETWORKS[network].shrink
        folder = self.options.work / "data" / "-".join(map(str, shrink))
        if not folder.exists():
            part = folder.with_suffix(".part")
            shrunk(self.options.data, part, *shrink)
            os.replace(part, folder)
        return f"fashion-mnist:{folder}"

    # Programs

    def program(self, kind, name, parts, statuses=(0,), key=()):
        """A command's JSON; kept under its name while it and the key stay the same."""
        def make():
            if self.deadline and time.monotonic() > self.deadline:
                raise OutOfTime
            found = measured(self.runner.command(*parts), statuses)
            with self.lock:
                self.processor[kind] = self.processor.get(kind, 0) + found["processor"]
            return {"report": found["report"], "processor": found["processor"]}

        # Folders do not matter.
        words = [str(part).replace(str(self.options.data), "DATA").replace(str(self.options.work), "WORK") for part in parts]
        result = kept(self.options.work / "results" / f"{name}.json", [*words, *key], make)
        return result["report"]

    def defaults(self, method):
        """The method's settings, whose change runs it again."""
        return {setting["key"]: setting.get("value") for setting in self.methods[method]["settings"]}

    def compared_key(self, method):
        """The settings that a comparison runs a method with: without a guard of its own, if it has one."""
        found = self.defaults(method)
        return {**found, "guarded": False} if any(key.startswith("guarding") for key in found) else found

    def network(self, network):
        """Options for a network, its training included."""
        options = list(NETWORKS[network].options)
        if self.options.dataset and "--image-size" in options:
            # That is for the small pictures.
            place = options.index("--image-size")
            del options[place:place + 2]
        if self.options.image_size:
            options += ["--image-size", self.options.image_size]
        return [*options, "--epochs", self.options.epochs or NETWORKS[network].epochs]

    def title(self, name):
        network, classes = COMPARISONS[name]
        title = NETWORKS[network].title
        if self.options.dataset:
            title = f"{title.split(', pictures')[0]}; {self.options.dataset}"
        return f"{title}; class{'es' if ',' in classes else ''} {classes.replace(',', ' and ')}:"

    def seen(self, network, method):
        """How many images a method sees; a method that sees none refuses the option."""
        needed = self.methods[method]["requirements"]
        some = {"retain-data", "forget-data"} & set(needed) and "all-retain-data" not in needed
        return ["--samples-per-class", self.options.samples_per_class or NETWORKS[network].samples] if some else []

    def compared(self, name, network, classes, seed, rows, models):
        """A program of compare-methods, which starts with these models; the runs of its rows, methods with settings."""
        folder = self.options.work / "running" / name
        store = folder / "comparison"
        shutil.rmtree(folder, ignore_errors=True)
        store.mkdir(parents=True)
        for model in models:
            os.link(model, store / model.name.split("@")[1])
        changed = [part for method, settings in rows for key, value in settings for part in ("--set", f"{method}.{key}={value}")]
        report = self.program(
            f"{network}: {'tuned' if changed else 'default'}", name,
            ["compare-methods", "--dataset", self.dataset[network], *self.network(network), "--classes", classes, "--methods",
             ",".join(method for method, _ in rows), "--seed", seed, "--report", folder, *self.seen(network, rows[0][0]), *changed,
             *(["--run-folder", folder / "settings"] if changed else [])],
            key=[self.compared_key(method) for method, _ in rows])
        # In the order that was asked for, after the original; with other settings a preset goes by its method's name.
        runs = [run for run in report["runs"] if run["method"] != "original"]
        if len(runs) != len(rows):
            raise ProgramFailed(f"{name}: {len(runs)} runs of {len(rows)} methods")
        return runs, store

    def networks(self, network, classes, seed):
        """Files of the original and the network without the classes."""
        models = self.options.work / "models"
        original = models / f"{network}@seed-{seed}-original.safetensors"
        reference = models / f"{network}-{classes.replace(',', '-')}@seed-{seed}-reference.safetensors"
        if not (original.exists() and reference.exists()):
            name = f"networks-{network}-{classes.replace(',', '-')}-{seed}"
            (self.options.work / "results" / f"{name}.json").unlink(missing_ok=True)
            known = [original] if original.exists() else []
            # The method takes no time.
            _, store = self.compared(name, network, classes, seed, [("last-row", ())], known)
            for file in (original, reference):
                if not file.exists():
                    os.replace(store / file.name.split("@")[1], file)
            shutil.rmtree(store.parent)
        return [original, reference]

    # Tuning

    def other_original(self, network):
        """The original that settings are tuned on."""
        file = self.options.work / "models" / f"{network}@tuned-on.safetensors"
        if not file.exists():
            (self.options.work / "results" / f"tuned-on-{network}.json").unlink(missing_ok=True)
        self.program(
            f"{network}: tuning", f"tuned-on-{network}",
            ["train", "--dataset", self.dataset[network], *self.network(network), "--seed", TUNED_SEED, "--output", file])
        return file

    def is_tuned(self, method):
        return method in GRIDS or self.has_rate(method)

    def has_rate(self, method):
        """Whether 'unlearn tune' knows the method: one with a training whose rate is used as it is."""
        keys = {setting["key"] for setting in self.methods[method]["settings"]}
        return "training.learningRate" in keys and "learningRate" not in keys

    def tuned(self, network, method):
        """The best settings, empty if those are the default ones; None if nothing worked."""
        if method in GRIDS:
            return self.best(network, method, "grid", {}, GRIDS[method])
        report = self.tune(network, method, "")
        if "best" not in report:
            return None
        rate = {} if report["best"] == report["defaultRate"] else {"training.learningRate": report["best"]}
        return self.best(network, method, "options", rate, self.trainings(method))

    def trainings(self, method):
        """What a method's training may be besides its own: other schedules, and frozen batch norm for forget data alone."""
        own = self.defaults(method)
        schedules = [{}] + [
            {"training.schedule": word} for listed, word in SCHEDULES.items() if listed not in (own["training.schedule"] or {})]
        frozen = [{}]
        if self.methods[method]["requirements"] == ["forget-data"]:
            frozen.append({"training.freezesBatchNorm": "true"})
        return [found for norm in frozen for schedule in schedules if (found := {**schedule, **norm})]

    def best(self, network, method, name, settings, others):
        """Settings, or those with the best of other ones on top; None if nothing worked."""
        tries = [part for other in others for part in ("--try", ",".join(f"{key}={value}" for key, value in other.items()))]
        changed = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        report = self.tune(network, method, f"-{name}", [*changed, *tries])
        if "bestTrial" not in report:
            return None
        return {**settings, **([{}] + others)[report["bestTrial"]]}

    def tune(self, network, method, suffix, options=()):
        """What 'unlearn tune' says, which measures on training images that the method did not see."""
        return self.program(
            f"{network}: tuning", f"tune-{network}-{method}{suffix}",
            ["tune", self.other_original(network), "--retain", self.dataset[network], "--classes", TUNED_CLASS, "--seed",
             TUNED_SEED, "--method", method, *self.seen(network, method), *options], (0, 1), [self.defaults(method)])

    # Rows

    def attempt(self, work):
        """A part of the work, or what kept it from being done."""
        try:
            return work()
        except OutOfTime:
            with self.lock:
                self.unfinished += 1
        except ProgramFailed as failure:
            with self.lock:
                self.failures.append(str(failure))
        return None

    def runs(self, name, seed, rows):
        """The runs of methods with settings, by one program."""
        network, classes = COMPARISONS[name]
        first, last = rows[0][0], rows[-1][0]
        unit = f"{name}-{seed}-{first}" + (f"-to-{last}" if last != first else "") + ("-tuned" if rows[0][1] else "")
        found, store = self.compared(unit, network, classes, seed, rows, self.networks(network, classes, seed))
        shutil.rmtree(store.parent, ignore_errors=True)
        return found

    def programs(self, name, rows):
        """Rows in lists that one program runs: of methods that see equally many images, tuned ones apart."""
        kinds = {}
        for method, settings in rows:
            kinds.setdefault((bool(settings), *self.seen(COMPARISONS[name][0], method)), []).append((method, settings))
        return [alike[start:start + METHODS_AT_ONCE] for alike in kinds.values()
                for start in range(0, len(alike), METHODS_AT_ONCE)]

    def all(self):
        """The runs of every row by comparison, method and settings."""
        options = self.options
        networks = list(dict.fromkeys(COMPARISONS[name][0] for name in options.names))
        with ThreadPoolExecutor(options.jobs) as pool:
            def every(works):
                return list(pool.map(self.attempt, works))

            # The first class set's program trains the originals too.
            firsts = {network: next(name for name in options.names if COMPARISONS[name][0] == network) for network in networks}
            pairs = [(name, seed) for name in options.names for seed in options.seed_list]
            early = [pair for pair in pairs if pair[0] in firsts.values()]
            every([lambda n=network: self.other_original(n) for network in networks]
                  + [lambda p=pair: self.networks(*COMPARISONS[p[0]], p[1]) for pair in early])
            tasks = [(network, method) for network in networks for method in options.methods if self.is_tuned(method)]
            every([lambda p=pair: self.networks(*COMPARISONS[p[0]], p[1]) for pair in pairs if pair not in early])
            settings = dict(zip(tasks, every([lambda t=task: self.tuned(*t) for task in tasks])))
            rows = {}
            for name in options.names:
                # The best settings are a row of their own, unless they are the default ones.
                best = {method: settings.get((COMPARISONS[name][0], method)) for method in options.methods}
                rows[name] = [(method, chosen) for method in options.methods
                              for chosen in [(), *([tuple(best[method].items())] if best[method] else [])]]
            units = [(name, seed, part) for name in options.names for part in self.programs(name, rows[name])
                     for seed in options.seed_list]
            made = every([lambda u=unit: self.runs(*u) for unit in units])
        found = {}
        for name in options.names:
            ran = {row: [] for row in rows[name]}
            for (other, _, part), runs in zip(units, made):
                if other == name:
                    for row, run in zip(part, runs or []):
                        ran[row].append(run)
            if any(ran.values()):
                found[name] = {row: runs for row, runs in ran.items() if runs}
        return settings, found


def words(chosen):
    """Settings as a reader wants to see them."""
    if not chosen:
        return "default"
    short = {"training.learningRate": "rate", "training.schedule": "schedule", "selection": "α", "scale": "α"}

    def text(key, value):
        if key == "training.freezesBatchNorm":
            return "batch norm frozen"
        name = short.get(key, key.removeprefix("configuration.").replace(".training", "").replace(".learningRate", " rate"))
        return f"{name} {value}" if isinstance(value, str) else f"{name} {value:g}"

    return "tuned: " + ", ".join(text(key, value) for key, value in chosen)


def table(experiment, network, settings, rows):
    lines = [["method", "settings", *(title for title, _, _ in COLUMNS.values())]]
    for (method, chosen), runs in rows.items():
        text = words(chosen)
        if not chosen and settings.get((network, method)) == {}:
            text += ", the best too"
        failed = sum("failure" in run and run["failure"] is not None for run in runs)
        cells = [cell([run["figures"].get(key) for run in runs], form, factor) for key, (_, form, factor) in COLUMNS.items()]
        if any(run["relearnIsLowerBound"] for run in runs):
            cells[4] += "+"
        cells[5] = cells[5].split(" ±")[0]
        lines.append([f"`{method}`", text + (f"; no model: {failed} of {len(runs)}" if failed else ""), *cells])
    return tables.markdown(lines, (0, 1))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="COMPARISON",
                        help=f"{', '.join(COMPARISONS)}; by default all but {', '.join(sorted(OTHERS))}")
    parser.add_argument("--work", type=Path, required=True, help="the folder that results are kept in")
    parser.add_argument("--unlearn", type=Path, default=UNLEARN, help="the program")
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"),
                        help="the folder of Fashion-MNIST's four IDX files")
    parser.add_argument("--dataset", help="cifar10:DIR, cifar100:DIR or folder:DIR in place of Fashion-MNIST, all of its images")
    parser.add_argument("--image-size", type=int, help="height and width of the networks' inputs, with --dataset")
    parser.add_argument("--samples-per-class", type=int,
                        help="images of each class that methods see, with --dataset; tuning measures on 200 more")
    parser.add_argument("--epochs", type=int, help="of every training, with --dataset")
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 1 on")
    parser.add_argument("--methods", nargs="+", help="all by default, but sisa, which needs networks of its own")
    parser.add_argument("--jobs", type=int, default=1, help="programs that run at a time")
    parser.add_argument("--threads", type=int, help="of each program; by default its share of the processors")
    parser.add_argument("--limit-minutes", type=float, help="start no program after this time")
    parser.add_argument("--docs", action="store_true", help="write the tables into Docs/Methods.md")
    options = parser.parse_args()
    if unknown := set(options.names) - set(COMPARISONS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(COMPARISONS)}")
    options.names = [name for name in COMPARISONS if (name in options.names if options.names else name not in OTHERS)]
    if options.dataset and options.docs:
        parser.error("Docs/Methods.md has the tables of Fashion-MNIST: leave out --docs or --dataset")
    if (options.image_size or options.samples_per_class or options.epochs) and not options.dataset:
        parser.error("--image-size, --samples-per-class and --epochs are for --dataset")
    options.seed_list = list(range(1, options.seeds + 1))
    # Results are kept by their command, without these two folders.
    options.work, options.data = options.work.resolve(), options.data.resolve()
    if options.dataset:
        # Models go by their names.
        kind, _, place = options.dataset.partition(":")
        options.work /= f"{kind}-{Path(place).name}-{options.image_size or 'default'}-{options.epochs or 'default'}"
    return parser, options


def main():
    parser, options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    experiment = Experiment(options)
    options.methods = options.methods or list(experiment.methods)
    if unknown := set(options.methods) - set(experiment.methods):
        parser.error(f"there is no method {', '.join(sorted(unknown))}; there are {', '.join(experiment.methods)}")
    settings, found = experiment.all()
    blocks = []
    for name, rows in found.items():
        title = experiment.title(name)
        blocks += [title, table(experiment, COMPARISONS[name][0], settings, rows)]
        print(f"{name}\n\n{title}\n\n{blocks[-1]}", flush=True)
    for kind, seconds in sorted(experiment.processor.items()):
        print(f"{kind}: {seconds / 60:.1f} processor minutes", file=sys.stderr)
    if experiment.failures or experiment.unfinished:
        sys.exit("\n".join(experiment.failures) + f"\n{experiment.unfinished} parts were out of time; "
                 "the same command goes on from here")
    if options.docs:
        # As a reader would type it: without places of this machine.
        methods = ["--methods", *options.methods] if options.methods != list(experiment.methods) else []
        command = shlex.join(["python3", "Benchmarks/methods_table.py", "--work", "methods", *options.names, "--seeds",
                              str(options.seeds), "--jobs", str(options.jobs), *methods])
        tables.write_block("methods_table.py", [f"`{command}`:", *blocks], DOCS)


if __name__ == "__main__":
    main()
