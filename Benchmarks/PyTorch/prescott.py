"""Compares training steps with those on a processor that OpenBLAS does not know, for which it has SSE3 kernels only.

Both contenders are this package's, in turns; one of them has OPENBLAS_CORETYPE=Prescott in its environment.
"""

import argparse
import json
import sys

import reports
import sides
import tables
from sides import RunnerError

NETWORKS = (
    "resnet18-imagenet/256",
    "resnet18-small/64",
    "allcnn-bn/128",
    "vit-tiny/128",
    "mobilenetv2/128",
    "resnet50/8x224",
)
# The most that a step may take more, in percent.
LIMIT = 5


def measure(workload, arguments):
    command = [str(arguments.ours), "--threads", str(arguments.threads), "--precision", arguments.precision]
    commands = {"usual": command, "prescott": command}
    with sides.Team(commands, {"prescott": {"OPENBLAS_CORETYPE": "Prescott"}}) as runners:
        for runner in runners.values():
            runner.ask(f"setup {workload}")
        about = runners["prescott"].ask("about")
        taken, _ = sides.in_turns(runners, 1, arguments.iterations, arguments.limit)
    results = {label: sides.summary(seconds) for label, seconds in taken.items()}
    more = 100 * (results["prescott"]["median_ms"] / results["usual"]["median_ms"] - 1)
    return {"workload": workload, "about": about, "results": results, "more": more}


def cells(row):
    usual, prescott = row["results"]["usual"], row["results"]["prescott"]
    spreads = " / ".join(f"{100 * result['iqr_ms'] / result['median_ms']:.0f}" for result in (usual, prescott))
    times = [f"{result['median_ms']:.1f}" for result in (usual, prescott)]
    return [row["workload"], *times, f"{row['more']:+.1f} %", f"{spreads} %"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("filters", nargs="*", help="parts of workload names, for example resnet50")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--iterations", type=int, default=7)
    parser.add_argument("--limit", type=float, default=60, help="seconds a workload, after three turns")
    parser.add_argument("--check", action="store_true", help=f"fail where a step takes more than {LIMIT} %% longer")
    sides.add_own_arguments(parser)
    reports.add_arguments(parser)
    return parser.parse_args()


def measured(arguments):
    sides.require_ours(arguments.ours)
    facts = sides.machine(arguments.ours, arguments.precision)
    rows = []
    for workload in (f"training-step/{network}" for network in NETWORKS):
        if not arguments.filters or any(part in workload for part in arguments.filters):
            print(f"{workload} ...", file=sys.stderr, flush=True)
            rows.append(measure(workload, arguments))
    if not rows:
        sys.exit(f"no workload matches {' '.join(arguments.filters)}: the networks are {', '.join(NETWORKS)}")
    return {"machine": facts, "rows": rows}


def main():
    arguments = parse_arguments()
    try:
        if arguments.from_json:
            report = reports.load(arguments.from_json, arguments.kind, ["workload"])[0]
        else:
            report = measured(arguments)
    except RunnerError as failure:
        sys.exit(str(failure))
    facts, rows = report["machine"], report["rows"]
    lines = [["workload", "usual ms", "Prescott ms", "more", "spread"], *map(cells, rows)]
    print(sides.machine_text(facts), tables.aligned(lines, (0,)), sep="\n\n")
    if arguments.docs:
        reports.write_block("prescott.py", facts, [sides.machine_text(facts), tables.markdown(lines, (0,))])
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    slow = [row for row in rows if arguments.check and row["more"] > LIMIT]
    for row in slow:
        print(f"{row['workload']}: {row['more']:+.1f} % is more than {LIMIT} %", file=sys.stderr)
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
