#!/usr/bin/env python3
"""Compares two processes of one thread with one process of two threads, and shards with whole batches, on one machine.

    swift build -c release --traits MPI --scratch-path .build-mpi --product unlearn
    Benchmarks/processes.py

Trains ResNet-18 with the 3x3 stem on 28x28 images, batch 64, in turn: whole batches and shards of 32 on one process with
two threads, and shards of 32 on two processes with one thread each, all with the same program. Prints the median
milliseconds of a step and the ratios.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

from limited_link import BATCH, seconds_per_step, small_dataset


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=".build-mpi/release/unlearn")
    parser.add_argument("--mpirun", default="mpirun.openmpi" if shutil.which("mpirun.openmpi") else "mpirun")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    os.environ["OMPI_ALLOW_RUN_AS_ROOT"] = os.environ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    work = pathlib.Path(tempfile.mkdtemp(prefix="unlearn-processes-"))
    data = small_dataset(options.data, work / "data", BATCH * options.steps)
    train = [os.path.abspath(options.program), "train", "--dataset", data, "--architecture", "resnet18:stem=small",
             "--epochs", "1", "--batch-size", str(BATCH), "--output", str(work / "model.safetensors")]
    shards = ["--shard-size", str(BATCH // 2)]
    forms = {
        "one process, whole batches": train + ["--threads", "2"],
        "one process, shards": train + ["--threads", "2"] + shards,
        "two processes": [*options.mpirun.split(), "-np", "2", *train, "--threads", "1", *shards],
    }
    times = {name: [] for name in forms}
    models = {}
    for _ in range(options.repetitions):
        for name, command in forms.items():
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode:
                sys.exit(f"{' '.join(command)}\nended with {result.returncode}: {result.stderr}")
            times[name].append(seconds_per_step(result.stdout + result.stderr))
            models[name] = (work / "model.safetensors").read_bytes()
    shutil.rmtree(work)
    whole, one, two = (statistics.median(times[name]) for name in forms)
    for name in forms:
        print(f"{name:28}{1000 * statistics.median(times[name]):7.0f} ms  "
              f"({1000 * min(times[name]):.0f} to {1000 * max(times[name]):.0f})")
    print(f"shards cost {100 * (one / whole - 1):+.1f} %; two processes have {one / two:.2f} of one's speed with shards, "
          f"{whole / two:.2f} of its speed with whole batches")
    if models["one process, shards"] != models["two processes"]:
        sys.exit("the models differ")


if __name__ == "__main__":
    main()
