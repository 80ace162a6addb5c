"""Compares this package's workloads with their PyTorch twins on the same machine, in turns."""

import argparse
import json
import statistics
import sys
from pathlib import Path

import reports
import sides
import tables
from sides import LAYOUTS, RunnerError

THRESHOLDS = Path(__file__).resolve().parents[1] / "thresholds.json"
ROOM = 0.75
# Passes of networks; whole recipes and single operations have nothing to compile.
COMPILABLE = ("training-step", "input-gradient", "inference")
LEFT = (0, 4)  # columns of words


def compare(workload, arguments):
    """One row: everybody's iterations, with the machine's peak among them."""
    layouts = LAYOUTS[:1] if workload.startswith("gemm") else LAYOUTS  # matrices have no such layout
    commands = sides.commands(arguments, arguments.threads, layouts)
    if not workload.startswith(COMPILABLE):
        commands.pop(sides.COMPILED, None)
    with sides.Team({**commands, "peak": commands["ours"]}) as runners:
        for label, runner in runners.items():
            runner.ask("setup peak" if label == "peak" else f"setup {workload}")
        operations = {label: float(runners[label].ask("operations")) for label in ("ours", "peak")}
        # Whole recipes are long and have no first iteration that counts less.
        warmups = 0 if workload.startswith("forgetting") else arguments.warmups
        taken, phases = sides.in_turns(runners, warmups, arguments.iterations, arguments.limit)
    peaks = [operations["peak"] / seconds for seconds in taken.pop("peak")]
    results = {label: sides.summary(seconds) for label, seconds in taken.items()}
    best = sides.best_layout(results)
    row = {
        "workload": workload,
        "operations": operations["ours"],
        "layout": best,
        "results": results,
        "ratio": results[best]["median_ms"] / results["ours"]["median_ms"],
        "peaks": peaks,
        "phases": phases_of_both(workload, phases["ours"], phases[best]),
    }
    if arguments.memory:
        row["memory"] = {
            side: sides.peak_memory(label, commands[label], workload, iterations=2 if warmups else 1)
            for side, label in (("ours", "ours"), ("twin", best))
        }
    return row


def phases_of_both(workload, ours, twin):
    ours, twin = sides.median_phases(ours), sides.median_phases(twin)
    steps = [[(phase["name"], phase["steps"]) for phase in phases] for phases in (ours, twin)]
    if steps[0] != steps[1]:
        raise RunnerError(f"{workload}: the sides do not do the same steps: {steps[0]} and {steps[1]}")
    return {"ours": ours, "twin": twin}


def header(memory):
    columns = ["workload", "GFLOP", "ours ms", "PyTorch ms", "layout", "ratio", "goal", "spread", "of peak"]
    return columns + (["MiB", "share"] if memory else [])


def cells(row, peak, thresholds, has_memory):
    """One line of the table, as text; memory is empty where a row was measured without it."""
    ours, twin = row["results"]["ours"], row["results"][row["layout"]]

    def of_peak(result):
        return 100 * row["operations"] / (1e-3 * result["median_ms"]) / peak

    goal = thresholds.get(row["workload"], {}).get("goal")
    result = [
        row["workload"],
        f"{1e-9 * row['operations']:.1f}",
        f"{ours['median_ms']:.2f}",
        f"{twin['median_ms']:.2f}",
        row["layout"],
        f"{row['ratio']:.2f}",
        f"{goal:.1f}" if goal else "",
        f"{100 * ours['iqr_ms'] / ours['median_ms']:.0f} / {100 * twin['iqr_ms'] / twin['median_ms']:.0f} %",
        f"{of_peak(ours):.0f} / {of_peak(twin):.0f} %",
    ]
    if memory := row.get("memory"):
        ours, twin = memory["ours"]["peak"], memory["twin"]["peak"]
        result += [f"{ours:.0f} / {twin:.0f}", f"{ours / twin:.2f}"]
    elif has_memory:
        result += ["", ""]
    return result


def phase_lines(rows):
    """Each phase of the workloads that have some."""
    lines = [
        [
            f"{row['workload']}, {ours['name']}",
            str(ours["steps"]),
            f"{ours['seconds']:.2f}",
            f"{twin['seconds']:.2f}",
            f"{twin['seconds'] / ours['seconds']:.2f}",
        ]
        for row in rows
        for ours, twin in zip(row["phases"]["ours"], row["phases"]["twin"])
    ]
    return [["phase", "steps", "ours s", "PyTorch s", "ratio"], *lines] if lines else []


def notes(rows, peaks):
    lines = [
        "GFLOP: what the definitions multiply and add, forward pass and gradients.",
        "ratio: PyTorch's median / ours; above 1, ours is faster. goal: the ratio aimed at.",
        "spread: interquartile range in percent of the median, ours / PyTorch.",
        "of peak: GFLOP a second in percent of the machine's multiply-adds in registers, ours / PyTorch; "
        "above 100 % where an algorithm leaves out products. The peak here: "
        + ", ".join(
            f"{1e-9 * max(rates):.0f} GFLOP/s on {'one thread' if threads == 1 else f'{threads} threads'}"
            for threads, rates in peaks.items()
        )
        + ".",
    ]
    if starts := [row["memory"] for row in rows if "memory" in row]:
        ours, twin = (statistics.median(start[side]["start"] for start in starts) for side in ("ours", "twin"))
        lines.append(
            "MiB: peak resident memory of fresh processes, ours / PyTorch, and ours as a share. "
            f"Before any work they hold {ours:.0f} and {twin:.0f} MiB."
        )
    return lines


def regressions(rows, thresholds):
    """Every row that is worse than the checked-in threshold allows."""
    for row in rows:
        limits = thresholds.get(row["workload"], {})
        if row["ratio"] < limits.get("ratio", 0):
            yield f"{row['workload']}: ratio {row['ratio']:.2f} is below {limits['ratio']}"
        if "memory" in row and "memory" in limits:
            share = row["memory"]["ours"]["peak"] / row["memory"]["twin"]["peak"]
            if share > limits["memory"]:
                yield f"{row['workload']}: {share:.2f} of PyTorch's memory is more than {limits['memory']}"


def update_thresholds(rows, thresholds, name):
    """Sets the least ratio of every row to what was measured, less the room that noise needs."""
    limits = thresholds.setdefault(name, {})
    for row in rows:
        limits.setdefault(row["workload"], {})["ratio"] = round(ROOM * row["ratio"], 2)
    parts = []
    for name, limits in thresholds.items():
        lines = (f"    {json.dumps(workload)}: {json.dumps(limit)}" for workload, limit in limits.items())
        parts.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n  }")
    THRESHOLDS.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("filters", nargs="*", help="parts of workload names, for example gemm or backward/64")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--warmups", type=int, default=2)
    parser.add_argument("--limit", type=float, default=120, help="seconds a workload, after three iterations")
    parser.add_argument("--memory", action="store_true", help="measure peak memory in fresh processes")
    parser.add_argument("--check", action="store_true", help=f"fail below the ratios of {THRESHOLDS.name}")
    parser.add_argument("--update", action="store_true", help=f"set the ratios of {THRESHOLDS.name} from this run")
    sides.add_arguments(parser)
    reports.add_arguments(parser)
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


def measured(arguments):
    """A report of the chosen workloads, and what failed."""
    names = chosen_workloads(arguments.filters)
    sides.require_ours(arguments.ours)
    facts = sides.machine(arguments.ours, arguments.precision)
    peaks = {count: sides.operation_rate(arguments.ours, count) for count in sorted({1, arguments.threads})}
    rows, failures = [], []
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            rows.append(compare(name, arguments))
            peaks[arguments.threads] += rows[-1]["peaks"]
        except RunnerError as failure:
            failures.append(f"{name}: {failure}")
    return {"machine": facts, "threads": arguments.threads, "peaks": peaks, "rows": rows}, failures


def loaded(arguments):
    """A report that was measured before, of the workloads that match the filters."""
    report, parts = reports.load(arguments.from_json, arguments.kind, ["workload"])
    filters = arguments.filters
    report["rows"] = [row for row in report["rows"] if not filters or any(part in row["workload"] for part in filters)]
    if not report["rows"]:
        sys.exit(f"no row of the reports matches {' '.join(filters)}")
    if len(counts := {part["threads"] for part in parts}) > 1:
        sys.exit(f"the reports are of different numbers of threads: {sorted(counts)}")
    # Keys of JSON are text.
    report["peaks"] = {
        int(count): [rate for part in parts for rate in part["peaks"].get(count, [])] for count in report["peaks"]
    }
    return report


def show(report, thresholds, docs):
    """Prints the tables, and writes them into the document."""
    rows, peaks, facts = report["rows"], report["peaks"], report["machine"]
    # The best of all: whatever holds the machine up lowers what is measured, nothing raises it.
    peak = max(peaks[report["threads"]])
    has_memory = any("memory" in row for row in rows)
    lines = [header(has_memory), *(cells(row, peak, thresholds, has_memory) for row in rows)]
    phases = phase_lines(rows)
    explained = notes(rows, peaks)
    print(sides.machine_text(facts), tables.aligned(lines, LEFT), sep="\n\n", end="\n\n")
    if phases:
        print(tables.aligned(phases, (0,)), end="\n\n")
    print(*explained, sep="\n", flush=True)
    if docs:
        parts = [sides.machine_text(facts), tables.markdown(lines, LEFT)]
        parts += [tables.markdown(phases, (0,))] if phases else []
        parts += ["\n".join(f"- {note}" for note in explained)]
        reports.write_block("compare.py", facts, parts)


def main():
    arguments = parse_arguments()
    report, failures = (loaded(arguments), []) if arguments.from_json else measured(arguments)
    thresholds = json.loads(THRESHOLDS.read_text())
    name, rows = reports.name(report["machine"]), report["rows"]
    limits = thresholds.get(name, {})
    if rows:
        show(report, limits, arguments.docs and not failures)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    if arguments.update:
        update_thresholds(rows, thresholds, name)
    if arguments.check:
        if name not in thresholds:
            failures.append(f"{THRESHOLDS.name} has nothing for {name}: add it with --update")
        failures += regressions(rows, limits)
    print(*failures, sep="\n", end="\n" if failures else "", file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
