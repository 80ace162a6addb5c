"""Runs PyTorch workloads one iteration at a time, as lines on standard input ask for them.

    setup NAME  ->  ready               prepares a workload in place of the one before
    run         ->  seconds             one iteration, as a decimal number
    phases      ->  a JSON array        the last iteration's parts: name, steps, seconds
    memory      ->  MiB                 peak resident memory of this process so far
    quit

Whatever fails answers `error MESSAGE`. The Swift executable `workload-runner` speaks the same protocol.
"""

import argparse
import json
import sys
import time
from pathlib import Path

try:
    import torch
    from workloads import LAYOUTS, Options, prepared
except ImportError as failure:
    # The driver reads standard output, so that is where the reason belongs.
    print(f"error {failure}: pip install torch torchvision safetensors numpy", flush=True)
    sys.exit(1)


def peak_memory():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not report peak memory in /proc/self/status")


class Session:
    def __init__(self, options):
        self.options = options
        self.iteration = None
        self.phases = []

    def setup(self, name):
        self.iteration = None  # frees the workload before, so that two never share memory
        self.iteration = prepared(name, self.options)
        return "ready"

    def run(self):
        if self.iteration is None:
            raise ValueError("nothing to run: send `setup NAME` first")
        start = time.perf_counter()
        phases = self.iteration()
        seconds = time.perf_counter() - start
        self.phases = phases or []
        return f"{seconds:.9f}"

    def answer(self, line):
        match line.split():
            case ["setup", name]:
                return self.setup(name)
            case ["run"]:
                return self.run()
            case ["phases"]:
                return json.dumps(self.phases)
            case ["memory"]:
                return f"{peak_memory():.1f}"
            case _:
                raise ValueError(f"unknown request {line!r}: send setup NAME, run, phases, memory or quit")


def main():
    parser = argparse.ArgumentParser(description="Runs PyTorch workloads on request; compare.py starts it.")
    parser.add_argument("--layout", choices=LAYOUTS, default="contiguous")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--compile", action="store_true", help="networks by torch.compile")
    parser.add_argument("--data", type=Path, default=Options.data, help="folder of Fashion-MNIST")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    session = Session(Options(LAYOUTS[arguments.layout], arguments.data, arguments.precision, arguments.compile))
    for line in sys.stdin:
        line = line.strip()
        if line == "quit":
            break
        try:
            reply = session.answer(line)
        except Exception as failure:  # any failure must reach the driver, or it waits forever
            reply = "error " + " ".join(str(failure).split())
        print(reply, flush=True)


if __name__ == "__main__":
    main()
