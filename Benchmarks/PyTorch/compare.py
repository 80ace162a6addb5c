"""Compares this package's workloads with their PyTorch twins on the same machine.

Both sides live at once and take turns, iteration by iteration, so that a change of clock rate or load meets both.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = HERE.parent / ".build" / "release" / "workload-runner"
LAYOUTS = ("contiguous", "channels_last")
# A pool's idle threads spin for some milliseconds after their last task and would slow the other side's turn.
PAUSE = 0.05


class RunnerError(Exception):
    pass


class Runner:
    """A process that speaks the line protocol of runner.py."""

    def __init__(self, label, command):
        self.label = label
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
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

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            try:
                self.process.communicate("quit\n", timeout=10)
            except (subprocess.TimeoutExpired, BrokenPipeError):
                self.process.kill()
        self.process.wait()


def commands(arguments):
    """How to start each contender, ours first."""
    shared = ["--threads", str(arguments.threads)]
    twin = [sys.executable, str(HERE / "runner.py"), *shared, "--data", str(arguments.data)]
    return {"ours": [str(arguments.ours), *shared], **{layout: [*twin, "--layout", layout] for layout in LAYOUTS}}


def times(runners, arguments):
    """Seconds of each contender's iterations, taken in turns."""
    taken = {label: [] for label in runners}
    start = time.monotonic()
    for iteration in range(arguments.warmups + arguments.iterations):
        for label, runner in runners.items():
            time.sleep(PAUSE)
            seconds = float(runner.ask("run"))
            if iteration >= arguments.warmups:
                taken[label].append(seconds)
        measured = iteration + 1 - arguments.warmups
        if measured >= 3 and time.monotonic() - start > arguments.limit:
            break
    return taken


def peak_memory(label, command, workload):
    """Peak MiB of a fresh process before and after a workload: the first is the price of the libraries alone."""
    with Runner(label, command) as runner:
        start = float(runner.ask("memory"))
        runner.ask(f"setup {workload}")
        for _ in range(2):
            runner.ask("run")
        return {"start": start, "peak": float(runner.ask("memory"))}


def summary(seconds):
    quartiles = statistics.quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else seconds * 3
    return {
        "median_ms": 1e3 * statistics.median(seconds),
        "iqr_ms": 1e3 * (quartiles[2] - quartiles[0]),
        "seconds": seconds,
    }


def compare(workload, arguments):
    contenders = commands(arguments)
    if workload.startswith("gemm"):
        del contenders["channels_last"]  # matrices have no such layout
    runners = {}
    try:
        for label, command in contenders.items():
            runners[label] = Runner(label if label == "ours" else f"PyTorch ({label})", command)
        for runner in runners.values():
            runner.ask(f"setup {workload}")
        results = {label: summary(seconds) for label, seconds in times(runners, arguments).items()}
    finally:
        for runner in runners.values():
            runner.__exit__()
    best = min((label for label in results if label != "ours"), key=lambda label: results[label]["median_ms"])
    row = {"workload": workload, "layout": best, "results": results}
    row["ratio"] = results[best]["median_ms"] / results["ours"]["median_ms"]
    if arguments.memory:
        row["memory"] = {label: peak_memory(label, contenders[label], workload) for label in ("ours", best)}
    return row


def cells(row):
    """One line of the table, as text."""
    ours, twin = row["results"]["ours"], row["results"][row["layout"]]
    result = [
        row["workload"],
        f"{ours['median_ms']:.2f}",
        f"{twin['median_ms']:.2f}",
        row["layout"],
        f"{row['ratio']:.2f}",
        f"{100 * ours['iqr_ms'] / ours['median_ms']:.0f} % / {100 * twin['iqr_ms'] / twin['median_ms']:.0f} %",
    ]
    for memory in row.get("memory", {}).values():
        result.append(f"{memory['peak']:.0f} ({memory['start']:.0f})")
    return result


def header(memory):
    columns = ["workload", "ours ms", "PyTorch ms", "layout", "ratio", "spread"]
    return columns + (["ours MiB (start)", "PyTorch MiB (start)"] if memory else [])


def aligned(lines):
    widths = [max(map(len, column)) for column in zip(*lines)]
    text = (
        "  ".join(
            cell.ljust(width) if index in (0, 3) else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths))
        )
        for line in lines
    )
    return "\n".join(line.rstrip() for line in text)


def markdown(lines):
    rule = ["---" if index in (0, 3) else "---:" for index in range(len(lines[0]))]
    return "".join(f"| {' | '.join(line)} |\n" for line in [lines[0], rule, *lines[1:]])


def machine(threads):
    import torch

    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":")[1].strip() if names else model
    return {"processor": model, "cores": os.cpu_count(), "threads": threads, "torch": torch.__version__}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("filters", nargs="*", help="parts of workload names, for example gemm or backward/64")
    parser.add_argument("--ours", type=Path, default=OURS, help="the executable workload-runner")
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--warmups", type=int, default=2)
    parser.add_argument("--limit", type=float, default=300, help="seconds a workload, after three iterations")
    parser.add_argument("--memory", action="store_true", help="measure peak memory in fresh processes")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    return parser.parse_args()


def chosen_workloads(filters):
    try:
        from workloads import WORKLOADS
    except ImportError as failure:
        sys.exit(f"{failure}: pip install torch torchvision safetensors numpy")
    names = [name for name in WORKLOADS if not filters or any(part in name for part in filters)]
    if not names:
        sys.exit(f"no workload matches {' '.join(filters)}: the names are\n  " + "\n  ".join(WORKLOADS))
    return names


def main():
    arguments = parse_arguments()
    names = chosen_workloads(arguments.filters)
    if not arguments.ours.is_file():
        sys.exit(
            f"{arguments.ours} is missing: build it in {HERE.parent.name}/ with\n"
            "  swift build -c release --product workload-runner\nor name it with --ours PATH"
        )
    rows, failures = [], 0
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            rows.append(compare(name, arguments))
        except RunnerError as failure:
            failures += 1
            print(f"{name}: {failure}", file=sys.stderr)
    lines = [header(arguments.memory), *map(cells, rows)]
    if rows:
        print(aligned(lines))
        print("\nratio: PyTorch's median / ours; above 1, ours is faster.")
        print("spread: interquartile range in percent of the median, ours / PyTorch.")
    if arguments.json:
        report = {"machine": machine(arguments.threads), "rows": rows}
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    if arguments.markdown:
        arguments.markdown.write_text(markdown(lines))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
