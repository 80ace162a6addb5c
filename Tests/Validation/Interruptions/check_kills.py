#!/usr/bin/env python3
"""Kills `unlearn` with SIGKILL at random moments, resumes it, and compares what it writes with an undisturbed run.

For each command in turn a run is started, killed after a random time, started again with --resume, and so on until it
ends by itself; then the next command. Checked after every kill: the output is not there, or is whole. Checked after every
completed run: the model's bytes, the record without its times, an empty checkpoint folder, and no temporary file left.

    swift build -c release --product unlearn
    python3 Tests/Validation/Interruptions/check_kills.py --kills 200

Needs Fashion-MNIST (`unlearn check` says whether it is there); no Python package. --seed makes the moments repeatable as
far as the machine's speed does. Exits with 1 if anything differs.
"""

import argparse
import gzip
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# Every kind of state: noise, synthesis, importances, teachers, passes in turn, guard, heads, and an audit after it.
METHODS = ["default", "unsir", "scrub", "ssd", "zero-shot", "fisher", "salun", "boundary-shrink", "cf-k", "npo"]
NETWORK = ["--architecture", "resnet18:width=0.125", "--batch-size", "128"]
# Keys of the record that hold times, or follow from them.
TIMES = {"date", "phaseSeconds", "seconds"}


def small_dataset(installed, folder):
    """Writes the first images of Fashion-MNIST as a data set of its own, so that a run takes seconds."""
    folder.mkdir()
    for split, count in [("train", 3000), ("t10k", 600)]:
        for kind, header, size in [("images-idx3-ubyte", 16, 784), ("labels-idx1-ubyte", 8, 1)]:
            path = next(pathlib.Path(installed).rglob(f"{split}-{kind}*"))
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            data = data[:4] + count.to_bytes(4, "big") + data[8:header + count * size]
            (folder / f"{split}-{kind}").write_bytes(data)
    return f"fashion-mnist:{folder}"


def commands(work, dataset):
    """The commands by name, each with the files that it writes."""
    network = NETWORK
    model = str(work / "model.safetensors")
    found = {}
    for method in METHODS:
        output = work / f"{method}.safetensors"
        images = [] if method == "zero-shot" else ["--samples-per-class", "150"]
        # A class is an eighth of these few images, and no weight can matter ten times as much for it as for all.
        images += ["--set", "selection=4"] if method == "ssd" else []
        found[f"forget {method}"] = (
            ["forget", model, "--classes", "0", "--retain", dataset, "--method", method,
             "--output", str(output), "--keep-ruined"] + images, [output])
    output, report = work / "reported.safetensors", work / "report"
    report.mkdir()
    found["forget --report"] = (
        ["forget", model, "--classes", "0", "--retain", dataset, "--validation", dataset, "--preset", "fast",
         "--samples-per-class", "150", "--output", str(output), "--report", str(report), "--request-id", "kills"],
        [output, report / "record.json"])
    output = work / "trained.safetensors"
    found["train"] = (
        ["train", "--dataset", dataset, "--epochs", "2", "--augment", "--output", str(output)] + network, [output])
    return found


def without_times(value):
    """JSON without keys whose values are times."""
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def digest(path):
    """A digest of a file; of a record, of its content without times."""
    if path.suffix != ".json":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    record = without_times(json.loads(path.read_text()))
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def run(program, arguments):
    result = subprocess.run([program] + arguments, capture_output=True, text=True)
    if result.returncode not in (0, 2, 3):
        sys.exit(f"{' '.join(arguments)}\nended with {result.returncode}: {result.stderr}")


def leftovers(*folders):
    """Temporary files that a killed process left and the next one did not remove."""
    return [str(path) for folder in folders for path in folder.glob(".*.partial")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=".build/release/unlearn")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist", help="the folder of Fashion-MNIST")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="commands whose name has this text")
    arguments = parser.parse_args()
    randomness = random.Random(arguments.seed)
    # The record's date is part of the model's memory.
    os.environ["SOURCE_DATE_EPOCH"] = "1769860800"
    work = pathlib.Path(tempfile.mkdtemp(prefix="unlearn-kills-"))
    program = os.path.abspath(arguments.program)
    dataset = small_dataset(arguments.data, work / "data")
    run(program, ["train", "--dataset", dataset, "--epochs", "3", "--output", str(work / "model.safetensors")] + NETWORK)
    found = {name: command for name, command in commands(work, dataset).items()
             if arguments.only is None or arguments.only in name}
    expected, durations = {}, {}
    for name, (command, outputs) in found.items():
        start = time.monotonic()
        run(program, command)
        durations[name] = time.monotonic() - start
        expected[name] = [digest(path) for path in outputs]
        for path in outputs:
            path.unlink()

    kills = completed = failures = 0
    names = list(found)
    while kills < arguments.kills:
        name = names[completed % len(names)]
        command, outputs = found[name]
        checkpoint = work / "checkpoint"
        own_kills = 0
        while True:
            # Some states at every step, some now and then.
            every = randomness.choice(["0", "0.05", "0.3"])
            start = time.monotonic()
            process = subprocess.Popen(
                [program] + command + ["--checkpoint", str(checkpoint), "--resume", "--checkpoint-every", every],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            is_last = kills >= arguments.kills or own_kills >= 12
            try:
                _, errors = process.communicate(
                    timeout=None if is_last else randomness.uniform(0.02, 1.1 * durations[name]))
                if own_kills == 0:
                    # How fast the machine is now, so that moments are spread over a run.
                    durations[name] = time.monotonic() - start
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                own_kills += 1
                for path, wanted in zip(outputs, expected[name]):
                    if path.exists() and digest(path) != wanted:
                        failures += 1
                        print(f"FAIL {name}: {path.name} is not whole after a kill")
        completed += 1
        problems = []
        if process.returncode not in (0, 2, 3):
            problems.append(f"ended with {process.returncode}: {errors.strip()}")
        for path, wanted in zip(outputs, expected[name]):
            if not path.exists():
                problems.append(f"{path.name} is missing")
            elif digest(path) != wanted:
                problems.append(f"{path.name} differs")
        if checkpoint.exists() and any(checkpoint.iterdir()):
            problems.append(f"left in the checkpoint: {sorted(path.name for path in checkpoint.iterdir())}")
        problems += [f"left behind: {path}" for path in leftovers(work, work / "report", checkpoint)]
        failures += len(problems)
        print(f"{'FAIL' if problems else 'ok  '} {name}: {own_kills} kills, {kills} in all {'; '.join(problems)}",
              flush=True)
        for path in outputs:
            path.unlink(missing_ok=True)
        shutil.rmtree(checkpoint, ignore_errors=True)
    shutil.rmtree(work)
    print(f"{kills} kills, {completed} runs completed, {failures} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
