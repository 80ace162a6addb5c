#!/usr/bin/env python3
"""Forecasts the speed of data-parallel training on several machines, by a model in the manner of LogGP.

    Benchmarks/several_machines.py [--gigabits 10] [--latency 30] [--node-gflops 1500] [--batch 1024] [--shard-size 16]

A step of P nodes takes

    max(work / P + overhead, gradients sent)  +  messages of batch norm and outputs

    work       forward pass one third, backward pass two thirds; the busiest node's shards
    overhead   the processors' time for the gradients' bytes, sent and received, on one of the node's cores
    gradients  a stage's gradients are sent when its backward pass is over, the last stage first, one after the other: each
               node sends (P - 1) / P of them twice, as slices to be summed and as sums to be spread
    messages   two gathers for each batch norm and one for the outputs, each log2(P) latencies and its bytes; the nodes wait
               for them

(Alexandrov, Ainscough, Schauser and Scheiman, "LogGP", SPAA 1995; Thakur, Rabenseifner and Gropp, "Optimization of Collective
Communication Operations in MPICH", 2005, for the gathers.) The work is the network's multiplications and additions, three
passes, at the node's sustained speed. limited_link.py compares the forecast with a measured run.
"""

import argparse
import math

# Stages from first to last: parameters, and multiply-additions of one forward pass. Then all channels of batch norms, and
# the number of these; then the classes.
NETWORKS = {
    "ResNet-18": ([(9.5e3, 0.118e9), (0.148e6, 0.462e9), (0.526e6, 0.411e9), (2.10e6, 0.411e9), (8.39e6, 0.411e9),
                   (0.513e6, 0.5e6)], 4800, 20, 1000),
    "ResNet-50": ([(9.5e3, 0.118e9), (0.216e6, 0.68e9), (1.22e6, 1.03e9), (7.10e6, 1.47e9), (14.96e6, 0.81e9),
                   (2.05e6, 2e6)], 26560, 53, 1000),
    "ViT-base/16": ([(0.74e6, 0.116e9)] + [(7.09e6, 1.455e9)] * 12 + [(0.77e6, 1e6)], 0, 0, 1000),
}


def bytes_sent(parameters, nodes):
    """What a node sends of a number of gradients: slices of them, and its slice's sums."""
    return 2 * (nodes - 1) / nodes * 4 * parameters


def step(network, nodes, options, gigabits, work=None):
    """Seconds of a step, and those of them in which the processors wait for gradients, and for other messages.

    `work` replaces the busiest node's computing time by a measured one.
    """
    parameters = sum(stage[0] for stage in network[0])
    stages, channels, norms, classes = network
    products = sum(stage[1] for stage in stages)
    if work is None:
        shards = math.ceil(options.batch / options.shard_size)
        busiest = math.ceil(shards / nodes) / shards
        work = options.batch * products * 2 * 3 / (options.node_gflops * 1e9) * busiest
    if nodes == 1:
        return work, 0.0, 0.0
    work += 2 * bytes_sent(parameters, nodes) * options.overhead * 1e-9 / options.cores
    seconds_per_byte = 8 / (gigabits * 1e9)
    latency = options.latency * 1e-6
    clock, link = work / 3, 0.0
    for stage_parameters, stage_products in reversed(stages):
        clock += work * 2 / 3 * stage_products / products
        sent = bytes_sent(stage_parameters, nodes) * seconds_per_byte + 2 * (nodes - 1) * latency
        link = max(link, clock) + sent
    waiting = max(0.0, link - clock)
    rounds = math.ceil(math.log2(nodes))
    sums = (8 * (norms + 2 * channels) + 16 * channels) * (nodes - 1)
    outputs = 4 * options.batch * classes * (nodes - 1) / nodes
    messages = (2 * norms + 1) * rounds * latency + (sums + outputs) * seconds_per_byte
    return work + waiting + messages, waiting, messages


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabits", type=float, nargs="*", default=[10, 25, 100])
    parser.add_argument("--latency", type=float, default=30, help="microseconds of a small message")
    parser.add_argument("--node-gflops", type=float, default=1500, help="a node's sustained speed")
    parser.add_argument("--overhead", type=float, default=1.4, help="nanoseconds of a core for a byte sent or received")
    parser.add_argument("--cores", type=int, default=16, help="a node's cores")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--shard-size", type=int, default=16)
    parser.add_argument("--nodes", type=int, nargs="*", default=[2, 4, 8, 16, 32, 64])
    options = parser.parse_args()
    print("| network | link | " + " | ".join(f"{nodes} nodes" for nodes in options.nodes) + " |")
    print("|---|---|" + "---|" * len(options.nodes))
    for name, network in NETWORKS.items():
        alone = step(network, 1, options, 1)[0]
        for gigabits in options.gigabits:
            cells = []
            for nodes in options.nodes:
                speedup = alone / step(network, nodes, options, gigabits)[0]
                cells.append(f"{speedup:.1f} ({100 * speedup / nodes:.0f} %)")
            print(f"| {name} | {gigabits:g} Gbit/s | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
