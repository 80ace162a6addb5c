#!/usr/bin/env python3
"""Prints how fast each layer of products of the six networks is on one thread, as a share of the processor's peak.

    swift build -c release --package-path Benchmarks --product layer-speed
    python3 Benchmarks/layers.py --docs --rounds 5               # minutes, on a machine without other work
    python3 Benchmarks/layers.py --precision bfloat16 resnet50   # parts of names of networks

First by network: the share of the peak over all its layers, and how many layers are below 80 %, forward and for both
gradients together. Then every layer. Shares count the multiplications of the definition, so Winograd's algorithm may exceed
100 %. A layer's time is its fastest pass: --rounds measures all layers again and again, so that one busy moment of the machine
does not decide about a layer. --docs writes both into Docs/Benchmarks.md, for the processor's kind.
"""

import argparse
import subprocess
import sys
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "PyTorch"))
import reports  # noqa: E402
import sides  # noqa: E402
import tables  # noqa: E402

GOAL = 80


def measured(arguments):
    """The lines of the tool's table as lists of cells, its title first, and the line about the peak."""
    command = [str(arguments.layer_speed), "--precision", arguments.precision, "--rounds", str(arguments.rounds)]
    command += arguments.networks
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [rows[0], *rows[2:]], lines[-1]


def by_network(title, rows):
    """One line for each network: shares of the peak over all layers, and the layers below the goal."""
    places = {name: place for place, name in enumerate(title)}
    # A column of the share follows each of the times, forward and backward.
    passes = [(places["ms"], places["ms"] + 2), (places["backward ms"], places["backward ms"] + 2)]
    lines = [["network", "layers", "forward", f"below {GOAL} %", "gradients", f"below {GOAL} %"]]
    for network in dict.fromkeys(row[0] for row in rows):
        own = [row for row in rows if row[0] == network]
        counts = [int(row[places["layers"]]) for row in own]
        cells = []
        for time, share in passes:
            seconds = [count * float(row[time]) for count, row in zip(counts, own)]
            shares = [float(row[share].rstrip(" %")) for row in own]
            mean = sum(part * second for part, second in zip(shares, seconds)) / sum(seconds)
            below = sum(count for count, part in zip(counts, shares) if part < GOAL)
            cells += [f"{mean:.0f} %", str(below)]
        lines.append([network, str(sum(counts)), *cells])
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="times to measure all layers: 1")
    parser.add_argument("--layer-speed", type=Path, default=HERE / ".build" / "release" / "layer-speed")
    parser.add_argument("--docs", action="store_true")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error(f"--rounds takes a number from 1 on, not {arguments.rounds}")
    if not arguments.layer_speed.is_file():
        sys.exit(f"{arguments.layer_speed} is missing: build it with the first command of --help, or name it with --layer-speed")
    (title, *rows), peak = measured(arguments)
    parts = [tables.markdown(by_network(title, rows), (0,)), tables.markdown([title, *rows], (0, 1, len(title) - 1)), peak]
    print(*parts, sep="\n\n")
    if arguments.docs:
        facts = sides.processor_facts()
        kind = sides.processor_kind(facts)
        name = f"layers.py-{kind}" + reports.suffix(arguments.precision)
        tables.add_block(name, [f"layers.py-{kind}"], "layers.py")
        machine = f"{facts.get('model name', kind)}, one thread, {arguments.precision}; {date.today().isoformat()}."
        tables.write_block(name, [machine, *parts])


if __name__ == "__main__":
    main()
