#!/usr/bin/env python3
"""Trains on two processes in two network namespaces with a link of limited speed, and compares with several_machines.py.

    swift build -c release --traits MPI --scratch-path .build-mpi --product unlearn
    sudo Benchmarks/limited_link.py [--gigabits 1 10]

Each namespace stands for a node: it has a name, an address and one thread of its own, and nothing but the link between
them, which `tc` holds to a speed in each direction. Both share this machine's memory, so the time of a node's work is
measured with both at work: two separate trainings of half a batch at the same time. What a core spends on a byte that is
sent or received is taken from a run over the same link without a limit. Linux, root, iproute2, Open MPI and Fashion-MNIST
are needed.
"""

import argparse
import gzip
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import types

import several_machines

NAMES = ["unlearn-a", "unlearn-b"]
ADDRESSES = ["10.77.0.1", "10.77.0.2"]
BATCH = 64
# ResNet-18 with the 3x3 stem on 28x28 images and 10 classes, stages as in several_machines.py.
NETWORK = ([(0.7e3, 0.45e6), (0.148e6, 116e6), (0.526e6, 103e6), (2.10e6, 103e6), (8.39e6, 103e6), (5.1e3, 5e3)],
           4800, 20, 10)


def run(*command, check=True):
    result = subprocess.run(command, capture_output=True, text=True)
    if check and result.returncode:
        sys.exit(f"{' '.join(command)}\nended with {result.returncode}: {result.stderr}{result.stdout}")
    return result


def small_dataset(installed, folder, count):
    """Writes the first images of Fashion-MNIST as a data set of its own."""
    folder.mkdir()
    for split, images in [("train", count), ("t10k", 64)]:
        for kind, header, size in [("images-idx3-ubyte", 16, 784), ("labels-idx1-ubyte", 8, 1)]:
            path = next(pathlib.Path(installed).rglob(f"{split}-{kind}*"))
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            (folder / f"{split}-{kind}").write_bytes(
                data[:4] + images.to_bytes(4, "big") + data[8:header + images * size])
    return f"fashion-mnist:{folder}"


def open_link(gigabits):
    close_link()
    for name in NAMES:
        run("ip", "netns", "add", name)
    run("ip", "link", "add", "link-a", "netns", NAMES[0], "type", "veth", "peer", "name", "link-b", "netns", NAMES[1])
    for name, address, link in zip(NAMES, ADDRESSES, ["link-a", "link-b"]):
        run("ip", "-n", name, "address", "add", f"{address}/24", "dev", link)
        run("ip", "-n", name, "link", "set", link, "up")
        run("ip", "-n", name, "link", "set", "lo", "up")
        if gigabits is None:
            continue
        run("ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", link, "root", "tbf", "rate", f"{gigabits}gbit",
            "burst", "256kb", "latency", "50ms")


def close_link():
    for name in NAMES:
        run("ip", "netns", "delete", name, check=False)


def seconds_per_step(text):
    steps, seconds = re.search(r"Trained: (\d+) steps in ([\d.]+) s", text).groups()
    return float(seconds) / int(steps)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=".build-mpi/release/unlearn")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--gigabits", type=float, nargs="*", default=[1])
    parser.add_argument("--latency", type=float, default=60, help="microseconds of a small message over the link")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    os.environ["OMPI_ALLOW_RUN_AS_ROOT"] = os.environ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    work = pathlib.Path(tempfile.mkdtemp(prefix="unlearn-link-"))
    data = small_dataset(options.data, work / "data", BATCH * options.steps)

    def train(output, batch, *more):
        return [program, "train", "--dataset", data, "--architecture", "resnet18:stem=small", "--epochs", "1",
                "--threads", "1", "--batch-size", str(batch), "--shard-size", str(BATCH // 2),
                "--output", str(work / output), *more]

    # The agent stands for ssh: it runs a command on the node with an address.
    agent = work / "agent"
    agent.write_text(
        "#!/bin/sh\naddress=$1; shift\n"
        + "".join(f'[ "$address" = {address} ] && node={name}\n' for name, address in zip(NAMES, ADDRESSES))
        + 'exec ip netns exec "$node" unshare --uts sh -c "hostname $node; $*"\n')
    agent.chmod(0o755)
    alone, linked = [], {gigabits: [] for gigabits in [None, *options.gigabits]}
    whole = None
    try:
        for _ in range(options.repetitions):
            # A node's work: half of each batch, as many steps, with the other node at work, too.
            both = [subprocess.Popen(train(f"{index}.safetensors", BATCH // 2), stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True) for index in range(2)]
            alone += [seconds_per_step(process.communicate()[0]) for process in both]
            for gigabits in linked:
                open_link(gigabits)
                result = run(
                    "ip", "netns", "exec", NAMES[0], "mpirun.openmpi", "--host", ",".join(ADDRESSES), "-np", "2",
                    "--bind-to", "none",
                    "--mca", "plm_rsh_agent", str(agent), "--mca", "btl", "tcp,self", "--mca", "pml", "ob1",
                    "--mca", "btl_tcp_if_include", "10.77.0.0/24", "--mca", "oob_tcp_if_include", "10.77.0.0/24",
                    *train("linked.safetensors", BATCH))
                linked[gigabits].append(seconds_per_step(result.stdout + result.stderr))
                content = (work / "linked.safetensors").read_bytes()
                if whole is not None and content != whole:
                    sys.exit("two runs gave different models")
                whole = content
    finally:
        close_link()
        shutil.rmtree(work)
    own = statistics.median(alone)
    print(f"a node's work: {1000 * own:.0f} ms a step")
    unlimited = statistics.median(linked.pop(None))
    moved = 2 * several_machines.bytes_sent(sum(stage[0] for stage in NETWORK[0]), 2)
    overhead = max(0.0, 1e9 * (unlimited - own) / moved)
    print(f"without a limit: {1000 * unlimited:.0f} ms a step, {overhead:.2f} ns for each of {moved / 1e6:.0f} MB")
    settings = types.SimpleNamespace(batch=BATCH, latency=options.latency, overhead=overhead, cores=1)
    failures = 0
    for gigabits, times in linked.items():
        forecast, waiting, messages = several_machines.step(NETWORK, 2, settings, gigabits, work=own)
        measured = statistics.median(times)
        difference = measured / forecast - 1
        failures += abs(difference) > 0.15
        print(f"{gigabits:g} Gbit/s: {1000 * measured:.0f} ms a step, {1000 * forecast:.0f} forecast "
              f"({1000 * waiting:.0f} waiting for gradients, {1000 * messages:.0f} for messages): {100 * difference:+.0f} %")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
