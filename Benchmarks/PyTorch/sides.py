"""Both sides as processes, and what is measured of them.

All live at once and take turns of a fraction of a second, so that a change of clock rate or load meets everybody.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = HERE.parent / ".build" / "release" / "workload-runner"
LAYOUTS = ("contiguous", "channels_last")
# The label of the twin that torch.compile has compiled.
COMPILED = "compiled"
# A pool's idle threads spin for some milliseconds after their last task and would slow the next one's turn.
PAUSE = 0.05
# A turn of short iterations is a loop of them, as in training: its first one finds the others' data in the caches and is
# not counted.
TURN_SECONDS = 0.25
TURN_ITERATIONS = 6


class RunnerError(Exception):
    pass


class Runner:
    """A process that speaks the line protocol of runner.py."""

    def __init__(self, label, command, environment=None):
        self.label = label
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **(environment or {})},
            )
        except OSError as failure:
            raise RunnerError(f"{label} does not start: {failure}") from failure

    def ask(self, request):
        try:
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
            reply = self.process.stdout.readline().strip()
        except BrokenPipeError:
            reply = self.process.stdout.readline().strip()
        if not reply:
            raise RunnerError(f"{self.label} ended at `{request}` with status {self.process.wait()}")
        if reply.startswith("error"):
            raise RunnerError(f"{self.label}: {reply.removeprefix('error').strip()}")
        return reply

    def close(self):
        if self.process.poll() is None:
            try:
                self.process.communicate("quit\n", timeout=10)
            except (subprocess.TimeoutExpired, BrokenPipeError):
                self.process.kill()
        self.process.wait()


class Team:
    """Runners by label, closed together; `environments` has variables to set for some of them."""

    def __init__(self, commands, environments=None):
        self.runners = {}
        try:
            for label, command in commands.items():
                self.runners[label] = Runner(label, command, (environments or {}).get(label))
        except RunnerError:
            self.__exit__()
            raise

    def __enter__(self):
        return self.runners

    def __exit__(self, *_):
        for runner in self.runners.values():
            runner.close()


def add_own_arguments(parser):
    """The flags of this package's side."""
    parser.add_argument("--ours", type=Path, default=OURS, help="the executable workload-runner")
    parser.add_argument(
        "--precision", choices=["float32", "bfloat16"], default="float32", help="of products; PyTorch's autocast in bfloat16"
    )


def add_arguments(parser):
    """The flags of both sides."""
    add_own_arguments(parser)
    parser.add_argument(
        "--compile", action="store_true", help="PyTorch's networks by torch.compile too, with channels last"
    )
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))


def require_ours(path):
    if not path.is_file():
        sys.exit(
            f"{path} is missing: build it in {HERE.parent.name}/ with\n"
            "  swift build -c release --product workload-runner\nor name it with --ours PATH"
        )


def commands(arguments, threads, layouts=LAYOUTS):
    """How to start each contender, ours first."""
    shared = ["--threads", str(threads), "--precision", arguments.precision]
    twin = [sys.executable, str(HERE / "runner.py"), *shared, "--data", str(arguments.data)]
    twins = {layout: [*twin, "--layout", layout] for layout in layouts}
    if arguments.compile and "channels_last" in layouts:
        twins[COMPILED] = [*twins["channels_last"], "--compile"]
    return {"ours": [str(arguments.ours), *shared], **twins}


def turn(runner):
    """Seconds and phases of the iterations that count in one turn."""
    seconds, phases = [], []
    while not seconds or (sum(seconds) < TURN_SECONDS and len(seconds) < TURN_ITERATIONS):
        seconds.append(float(runner.ask("run")))
        phases.append(json.loads(runner.ask("phases")))
    first = 1 if len(seconds) > 1 else 0
    return seconds[first:], phases[first:]


def in_turns(runners, warmups, turns, limit, least=3):
    """Seconds and phases of each runner's iterations; ends after `limit` seconds if there are `least` turns by then."""
    taken = {label: [] for label in runners}
    phases = {label: [] for label in runners}
    start = time.monotonic()
    for number in range(warmups + turns):
        for label, runner in runners.items():
            time.sleep(PAUSE)
            seconds, parts = turn(runner)
            if number >= warmups:
                taken[label] += seconds
                phases[label] += parts
        if number + 1 - warmups >= least and time.monotonic() - start > limit:
            break
    return taken, phases


def summary(seconds):
    quartiles = statistics.quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else seconds * 3
    return {
        "median_ms": 1e3 * statistics.median(seconds),
        "iqr_ms": 1e3 * (quartiles[2] - quartiles[0]),
        "seconds": seconds,
    }


def best_layout(results):
    """PyTorch's fastest layout, or the compiled network."""
    return min((label for label in results if label in (*LAYOUTS, COMPILED)), key=lambda label: results[label]["median_ms"])


def median_phases(iterations):
    """Each phase's steps and median seconds, from the phases of several iterations."""
    return [
        {**same[0], "seconds": statistics.median(phase["seconds"] for phase in same)} for same in zip(*iterations)
    ]


def peak_memory(label, command, workload, iterations=2):
    """Peak MiB of a fresh process before and after a workload: the first is the price of the libraries alone."""
    with Team({label: command}) as runners:
        runner = runners[label]
        start = float(runner.ask("memory"))
        runner.ask(f"setup {workload}")
        for _ in range(iterations):
            runner.ask("run")
        return {"start": start, "peak": float(runner.ask("memory"))}


def operation_rate(ours, threads, iterations=7):
    """The most operations a second on that many threads, each time it was measured."""
    with Team({"peak": [str(ours), "--threads", str(threads)]}) as runners:
        runners["peak"].ask("setup peak")
        operations = float(runners["peak"].ask("operations"))
        return [operations / seconds for seconds in in_turns(runners, 1, iterations, limit=60)[0]["peak"]]


def processor_facts():
    """The first processor's lines in /proc/cpuinfo, where the system has it."""
    try:
        text = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def processor_kind(facts):
    """One of reports.KINDS."""
    vendor = {"AuthenticAMD": "amd", "GenuineIntel": "intel"}.get(facts.get("vendor_id"), "other")
    flags = facts.get("flags", "").split()
    if vendor == "other":
        return vendor
    if "avx512f" not in flags:
        return f"{vendor}-avx2"
    return "intel-amx" if vendor == "intel" and "amx_bf16" in flags else vendor


def machine(ours, precision="float32"):
    """What a table's reader has to know about where it was made."""
    import torch

    processor = processor_facts()
    with Team({"ours": [str(ours), "--precision", precision]}) as runners:
        about = runners["ours"].ask("about")
    return {
        "processor": processor.get("model name", platform.processor() or platform.machine()),
        "kind": processor_kind(processor),
        "precision": precision,
        "cores": os.cpu_count(),
        "about": about,
        "torch": torch.__version__,
        "date": date.today().isoformat(),
    }


def machine_text(facts):
    cores = "one core" if facts["cores"] == 1 else f"{facts['cores']} cores"
    return f"{facts['processor']}, {cores}, {facts['about']}; PyTorch {facts['torch']}; {facts['date']}."
