"""How ResNet-18 scales with threads, batch and image size, here and in PyTorch, with the peak memory of each."""

import argparse
import json
import os
import sys

import reports
import sides
import tables
from sides import RunnerError

KINDS = ("training-step", "inference")
# Both stems over batches, the 7x7 one over image sizes too.
SHAPES = (
    *(("resnet18-imagenet", batch, 32) for batch in (1, 2, 8, 64, 256, 512)),
    *(("resnet18-imagenet", 16, size) for size in (32, 64, 128, 224)),
    *(("resnet18-small", batch, 32) for batch in (1, 8, 64, 256, 512)),
)
# The last maps have one position: a batch of one leaves batch norm a single number, which PyTorch refuses.
UNTRAINABLE = ("training-step", "resnet18-imagenet", 1, 32)


def measure(workload, threads, arguments):
    """Both sides' median milliseconds, and the layout that was PyTorch's faster one; nothing if it is too much work."""
    contenders = sides.commands(arguments, threads)
    with sides.Team({"ours": contenders.pop("ours")}) as ours:
        ours["ours"].ask(f"setup {workload}")
        gigaflops = 1e-9 * float(ours["ours"].ask("operations"))
        if gigaflops > arguments.most:
            return None
        with sides.Team(contenders) as twins:
            for runner in twins.values():
                runner.ask(f"setup {workload}")
            taken, _ = sides.in_turns({**ours, **twins}, 1, arguments.iterations, arguments.limit)
    results = {label: sides.summary(seconds) for label, seconds in taken.items()}
    best = sides.best_layout(results)
    return {
        "gigaflops": gigaflops,
        "layout": best,
        "results": results,
        "ours": results["ours"]["median_ms"],
        "twin": results[best]["median_ms"],
    }


def measure_row(kind, shape, arguments):
    network, batch, size = shape
    workload = f"{kind}/{network}/{batch}x{size}"
    row = {"kind": kind, "network": network, "batch": batch, "size": size, "threads": {}}
    for threads in arguments.threads:
        print(f"{workload}, {counted(threads)} ...", file=sys.stderr, flush=True)
        result = measure(workload, threads, arguments)
        if result is None:
            print(f"{workload} is left out: more than {arguments.most:.0f} GFLOP (--most)", file=sys.stderr)
            return None
        row["threads"][threads] = result
    if arguments.memory:
        threads = max(arguments.threads)
        contenders = sides.commands(arguments, threads)
        best = row["threads"][threads]["layout"]
        row["memory"] = {
            side: sides.peak_memory(label, contenders[label], workload)["peak"]
            for side, label in (("ours", "ours"), ("twin", best))
        }
    return row


def counted(threads):
    return "1 thread" if threads == 1 else f"{threads} threads"


def header(counts, memory):
    columns = ["pass", "stem", "batch", "image"]
    for threads in counts:
        columns += [f"ms, {counted(threads)}", "ratio"]
    if len(counts) > 1:
        columns.append("speed-up")
    return columns + (["MiB", "share"] if memory else [])


def cells(row):
    line = [row["kind"], row["network"].removeprefix("resnet18-"), str(row["batch"]), str(row["size"])]
    for result in row["threads"].values():
        line += [f"{result['ours']:.1f} / {result['twin']:.1f}", f"{result['twin'] / result['ours']:.2f}"]
    if len(row["threads"]) > 1:
        first, *_, last = row["threads"].values()
        line.append(f"{first['ours'] / last['ours']:.2f} / {first['twin'] / last['twin']:.2f}")
    if memory := row.get("memory"):
        line += [f"{memory['ours']:.0f} / {memory['twin']:.0f}", f"{memory['ours'] / memory['twin']:.2f}"]
    return line


def notes(counts, memory):
    lines = ["ms: median time, ours / PyTorch in its faster layout. ratio: PyTorch's by ours."]
    fewest, most = counts[0], counts[-1]
    if fewest != most:
        lines.append(f"speed-up: time on {counted(fewest)} by time on {counted(most)}, ours / PyTorch.")
    if memory:
        lines.append(
            f"MiB: peak resident memory of fresh processes on {counted(most)}, ours / PyTorch, and ours as a share."
        )
    return lines


def parse_arguments():
    cores = os.cpu_count() or 1
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("filters", nargs="*", help="parts of names such as training-step/resnet18-small/64x32")
    parser.add_argument("--threads", type=int, nargs="+", default=[n for n in (1, 2, 4, 8, 16) if n <= cores])
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument("--limit", type=float, default=10, help="seconds a measurement, after three iterations")
    parser.add_argument("--most", type=float, default=900, help="GFLOP of one iteration; more is left out")
    parser.add_argument("--no-memory", dest="memory", action="store_false")
    sides.add_arguments(parser)
    reports.add_arguments(parser)
    arguments = parser.parse_args()
    arguments.threads = sorted(set(arguments.threads))
    return arguments


def matching(kind, shape, filters):
    name = "{}/{}/{}x{}".format(kind, *shape)
    return (kind, *shape) != UNTRAINABLE and (not filters or any(part in name for part in filters))


def measured(arguments):
    """A report of everything that matches the filters, and whether something failed."""
    sides.require_ours(arguments.ours)
    facts = sides.machine(arguments.ours, arguments.precision)
    rows, failed = [], False
    for kind, shape in ((kind, shape) for kind in KINDS for shape in SHAPES):
        if not matching(kind, shape, arguments.filters):
            continue
        try:
            row = measure_row(kind, shape, arguments)
        except RunnerError as failure:
            failed = True
            print("{}/{}/{}x{}:".format(kind, *shape), failure, file=sys.stderr)
            continue
        if row is not None:
            rows.append(row)
    return {"machine": facts, "rows": rows}, failed


def loaded(arguments):
    """A report that was measured before, of the rows that match the filters."""
    report, _ = reports.load(arguments.from_json, arguments.kind, ["kind", "network", "batch", "size"])
    report["rows"] = [
        {**row, "threads": {int(count): result for count, result in row["threads"].items()}}  # keys of JSON are text
        for row in report["rows"]
        if matching(row["kind"], (row["network"], row["batch"], row["size"]), arguments.filters)
    ]
    return report


def main():
    arguments = parse_arguments()
    report, failed = (loaded(arguments), False) if arguments.from_json else measured(arguments)
    facts, rows = report["machine"], report["rows"]
    if not rows:
        sys.exit("nothing was measured")
    counts = sorted(rows[0]["threads"])
    if any(sorted(row["threads"]) != counts for row in rows):
        sys.exit("the reports' rows are of different numbers of threads")
    memory = all("memory" in row for row in rows)
    if not memory:
        rows = [{key: value for key, value in row.items() if key != "memory"} for row in rows]
    lines = [header(counts, memory), *map(cells, rows)]
    explained = notes(counts, memory)
    print(sides.machine_text(facts), tables.aligned(lines, (0, 1)), "\n".join(explained), sep="\n\n")
    if arguments.docs and not failed:
        parts = [sides.machine_text(facts), tables.markdown(lines, (0, 1)), "\n".join(f"- {note}" for note in explained)]
        reports.write_block("scaling.py", facts, parts)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
