#!/usr/bin/env python3
"""Forecasts the speed of data-parallel training on several machines, by a model in the manner of LogGP.

    Benchmarks/several_machines.py [--gigabits 10] [--latency 30] [--node-gflops 1500] [--batch 1024] [--shard-size 16]

A step of P nodes takes

    work / P  +  exchange of gradients  +  P-independent messages of batch norm and outputs

    exchange   each node sends (P - 1) / P of its gradients twice: slices to be summed, then sums to be spread
    messages   two gathers for each batch norm and one for the outputs, each log2(P) latencies and its bytes

(Alexandrov, Ainscough, Schauser and Scheiman, "LogGP", SPAA 1995; Thakur, Rabenseifner and Gropp, "Optimization of Collective
Communication Operations in MPICH", 2005, for the gathers.) Nothing overlaps: the exchange begins when the backward pass is
over. The work is the network's multiplications and additions, three passes, at the node's sustained speed.
"""

import argparse
import math

# Parameters, multiply-additions of one forward pass at 224x224, and the channels of all batch norms.
NETWORKS = {
    "ResNet-18": (11.69e6, 1.82e9, 4800, 20),
    "ResNet-50": (25.56e6, 4.11e9, 26560, 53),
    "ViT-base/16": (86.57e6, 17.58e9, 0, 0),
}


def step(network, nodes, options, gigabits):
    """Seconds of a step: its work, the gradients' exchange, and the messages."""
    parameters, products, channels, norms = NETWORKS[network]
    work = options.batch * products * 2 * 3 / (options.node_gflops * 1e9)
    shards = math.ceil(options.batch / options.shard_size)
    busiest = math.ceil(shards / nodes) / shards
    if nodes == 1:
        return work, 0.0, 0.0
    seconds_per_byte = 8 / (gigabits * 1e9)
    latency = options.latency * 1e-6
    exchange = 2 * (nodes - 1) / nodes * 4 * parameters * seconds_per_byte + 2 * (nodes - 1) * latency
    rounds = math.ceil(math.log2(nodes))
    sums = (8 * (norms + 2 * channels) + 16 * channels) * (nodes - 1)
    outputs = 4 * options.batch * 1000
    messages = (2 * norms + 2) * rounds * latency + (sums + outputs) * seconds_per_byte
    return work * busiest, exchange, messages


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabits", type=float, nargs="*", default=[10, 25, 100])
    parser.add_argument("--latency", type=float, default=30, help="microseconds of a small message")
    parser.add_argument("--node-gflops", type=float, default=1500, help="a node's sustained speed")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--shard-size", type=int, default=16)
    parser.add_argument("--nodes", type=int, nargs="*", default=[2, 4, 8, 16, 32, 64])
    options = parser.parse_args()
    print("| network | network link | " + " | ".join(f"{nodes} nodes" for nodes in options.nodes) + " |")
    print("|---|---|" + "---|" * len(options.nodes))
    for network in NETWORKS:
        alone = sum(step(network, 1, options, 1))
        for gigabits in options.gigabits:
            cells = []
            for nodes in options.nodes:
                total = sum(step(network, nodes, options, gigabits))
                cells.append(f"{alone / total:.1f} ({100 * alone / total / nodes:.0f} %)")
            print(f"| {network} | {gigabits:g} Gbit/s | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
