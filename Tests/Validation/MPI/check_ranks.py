#!/usr/bin/env python3
"""Runs `unlearn` on 1, 2, 3 and 4 processes and compares what it writes byte for byte.

    swift build -c release --traits MPI --scratch-path .build-mpi --product unlearn
    python3 Tests/Validation/MPI/check_ranks.py

    UNLEARNING_MPI=mpich swift build -c release --traits MPI --scratch-path .build-mpich --product unlearn
    python3 Tests/Validation/MPI/check_ranks.py --program .build-mpich/release/unlearn --mpirun mpirun.mpich

Part one: training, forgetting by several methods, evaluation, prediction, an audit's record and a comparison's rows. A
run without mpirun and with the same --shard-size gives the bytes to compare with.

Part two (--kills): kills one of the processes at random moments. All have to end within ten seconds with an error, and the
model's file has to be whole or as it was.

Part three: processes that see another data set, other arguments or another kernel level, and one that fails alone, have to
end with an error that names the rank; a checkpoint of four processes goes on with two.

Needs Fashion-MNIST; no Python package. Exits with 1 if anything differs.
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

NETWORK = ["--architecture", "resnet18:width=0.125", "--batch-size", "96"]
SHARDS = ["--shard-size", "16"]
# Keys of records and reports that hold times or memory, or follow from them.
TIMES = {"date", "phaseSeconds", "seconds", "peakMemory"}


def small_dataset(installed, folder, train=1200, test=300):
    """Writes the first images of Fashion-MNIST as a data set of its own, so that a run takes seconds."""
    folder.mkdir()
    for split, count in [("train", train), ("t10k", test)]:
        for kind, header, size in [("images-idx3-ubyte", 16, 784), ("labels-idx1-ubyte", 8, 1)]:
            path = next(pathlib.Path(installed).rglob(f"{split}-{kind}*"))
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            data = data[:4] + count.to_bytes(4, "big") + data[8:header + count * size]
            (folder / f"{split}-{kind}").write_bytes(data)
    return f"fashion-mnist:{folder}"


class Job:
    """How to start processes."""

    def __init__(self, arguments):
        self.program = os.path.abspath(arguments.program)
        self.mpirun = arguments.mpirun.split()
        version = subprocess.run(self.mpirun[:1] + ["--version"], capture_output=True, text=True).stdout
        self.is_open_mpi = "open" in version.lower()

    def command(self, processes, arguments):
        if processes is None:
            return [self.program] + arguments
        options = ["--oversubscribe"] if self.is_open_mpi else []
        return self.mpirun + options + ["-np", str(processes), self.program] + arguments

    def of_parts(self, parts):
        """A job whose processes differ: a list of numbers of processes, environments and arguments."""
        command = self.mpirun + (["--oversubscribe"] if self.is_open_mpi else [])
        for index, (count, environment, arguments) in enumerate(parts):
            command += [":"] * (index > 0) + ["-np", str(count)]
            for name, value in environment.items():
                command += ["-x", f"{name}={value}"] if self.is_open_mpi else ["-env", name, value]
            command += [self.program] + arguments
        return command

    def run(self, command, codes=(0, 2, 3), timeout=600):
        result = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
        if codes is not None and result.returncode not in codes:
            sys.exit(f"{' '.join(command)}\nended with {result.returncode}: {result.stderr}{result.stdout}")
        return result


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def cases(work, dataset):
    """The commands by name, each with the file that it writes; its JSON is compared too."""
    model = str(work / "model.safetensors")
    forget = ["forget", model, "--classes", "0", "--retain", dataset, "--keep-ruined"]
    samples = ["--samples-per-class", "60"]
    few = ["--set", "synthesizer.steps=20", "--set", "synthesizer.perClass=16"]
    return {
        "train": (["train", "--dataset", dataset, "--epochs", "1", "--augment"] + NETWORK, "trained.safetensors"),
        "default": (forget + samples, "default.safetensors"),
        "unsir": (forget + samples + ["--preset", "paper", "--set", "noise.imagesPerClass=48"], "unsir.safetensors"),
        "scrub": (forget + samples + ["--method", "scrub"], "scrub.safetensors"),
        "zero-shot": (forget + ["--method", "zero-shot"] + few, "zero-shot.safetensors"),
        "evaluate": (["evaluate", str(work / "model.safetensors"), "--dataset", dataset], None),
        "predict": (["predict", model, "--dataset", dataset], "logits.safetensors"),
        "audit": (["audit", model, str(work / "forgotten.safetensors"), "--dataset", dataset, "--forgotten", "0",
                   "--request-id", "ranks", "--retrain", "--epochs", "1"], "record.json"),
        "compare-methods": (["compare-methods", "--dataset", dataset, "--classes", "0", "--epochs", "1", "--methods",
                             "default,negative-gradient", "--seeds", "2"] + NETWORK + samples, None),
    }


def outcome(job, work, processes, name, command, file):
    """What a run wrote and printed, without times."""
    option = {"logits.safetensors": "--logits", "record.json": "--record"}.get(file, "--output")
    output = work / file if file else None
    start = time.monotonic()
    result = job.run(job.command(processes, command + SHARDS + ["--json"] + ([option, str(output)] if file else [])))
    seconds = time.monotonic() - start
    printed = json.dumps(without_times(json.loads(result.stdout)), sort_keys=True)
    content = b""
    if file:
        content = output.read_bytes()
        if output.suffix == ".json":
            content = json.dumps(without_times(json.loads(content)), sort_keys=True).encode()
        output.unlink()
    return hashlib.sha256(content).hexdigest() + printed, seconds


def check_equality(job, work, dataset, ranks, only):
    failures = 0
    for name, (command, file) in cases(work, dataset).items():
        if only and name not in only:
            continue
        expected, seconds = outcome(job, work, None, name, command, file)
        times, different = [f"alone {seconds:.1f} s"], []
        for processes in ranks:
            found, seconds = outcome(job, work, processes, name, command, file)
            times.append(f"{processes} {seconds:.1f} s")
            if found != expected:
                different.append(processes)
        failures += len(different)
        print(f"{'FAIL ' + str(different) if different else 'ok  '} {name}: {', '.join(times)}", flush=True)
    return failures


def children(process):
    """The processes of the program below a process, by /proc."""
    found, parents = [], {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                parents[int(entry.name)] = (int(fields[1]), (entry / "comm").read_text().strip())
            except OSError:
                continue
    for number, (parent, name) in parents.items():
        ancestor = parent
        while ancestor > 1 and ancestor != process and ancestor in parents:
            ancestor = parents[ancestor][0]
        if ancestor == process and name == "unlearn":
            found.append(number)
    return sorted(found)


def check_kills(job, work, dataset, kills, seed):
    randomness = random.Random(seed)
    output = work / "killed.safetensors"
    command = ["train", "--dataset", dataset, "--epochs", "2", "--output", str(output)] + NETWORK + SHARDS
    start = time.monotonic()
    job.run(job.command(3, command))
    duration, whole = time.monotonic() - start, output.read_bytes()
    old = b"as it was"
    failures, slowest, ended = 0, 0.0, 0
    for number in range(kills):
        output.write_bytes(old)
        process = subprocess.Popen(job.command(3, command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(randomness.uniform(0.05, duration))
        ranks = children(process.pid)
        victim = randomness.choice(ranks) if ranks else None
        if victim:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                victim = None
        start = time.monotonic()
        problems = []
        try:
            process.communicate(timeout=30)
            slowest = max(slowest, time.monotonic() - start)
            if victim and time.monotonic() - start > 10:
                problems.append(f"took {time.monotonic() - start:.1f} s to end")
        except subprocess.TimeoutExpired:
            problems.append("did not end in 30 s")
            process.kill()
            process.communicate()
        deadline = time.monotonic() + 2
        while ranks and any(pathlib.Path(f"/proc/{rank}").exists() for rank in ranks):
            if time.monotonic() > deadline:
                problems.append("left a process behind")
                break
            time.sleep(0.05)
        content = output.read_bytes()
        if content not in (old, whole):
            problems.append("left a file that is neither whole nor as it was")
        if process.returncode == 0 and content != whole:
            problems.append("ended with 0 and without its file")
        ended += victim is not None and process.returncode != 0
        failures += len(problems)
        for problem in problems:
            print(f"FAIL kill {number}: {problem}", flush=True)
    for path in work.glob(".*.partial"):
        path.unlink()
    print(f"{'FAIL' if failures else 'ok  '} {kills} kills, {ended} of them while the job ran; the slowest end took "
          f"{slowest:.1f} s after the kill")
    return failures


def check_faults(job, work, dataset, other):
    """Processes that differ end the job with an error that names the rank."""
    output = work / "never.safetensors"

    def train(data):
        return ["train", "--dataset", data, "--epochs", "1", "--output", str(output)] + NETWORK + SHARDS

    model = str(work / "model.safetensors")
    shown = work / "shown"
    shown.unlink(missing_ok=True)
    faults = {
        "other arguments": ([(2, {}, train(dataset)), (1, {}, train(dataset) + ["--seed", "7"])], ["rank 2", "arguments"]),
        "other kernels": ([(1, {}, train(dataset)), (1, {"UNLEARNING_KERNELS": "portable"}, train(dataset))],
                          ["rank 1", "kernels"]),
        "other command on one rank": ([(1, {}, train(dataset)), (1, {}, ["evaluate", model, "--dataset", dataset])],
                                      ["rank 1", "arguments"]),
    }
    failures = 0
    for name, (parts, words) in faults.items():
        failures += expect_fault(job, job.of_parts(parts), name, words, output)
    # The same words, and other files behind them on the second process: its working folder is another one.
    for name, content in [("here", dataset), ("there", other)]:
        (work / name).mkdir()
        (work / name / "data").symlink_to(content.split(":", 1)[1])
    relative = train("fashion-mnist:data")
    command = job.mpirun + (["--oversubscribe"] if job.is_open_mpi else [])
    for index, folder in enumerate(["here", "there"]):
        command += [":"] * (index > 0) + ["-np", "1", "-wdir", str(work / folder), job.program] + relative
    failures += expect_fault(job, command, "another data set", ["rank 1", "training data"], output)
    command[-len(relative) - 2] = str(work / "nowhere")
    (work / "nowhere").mkdir()
    failures += expect_fault(job, command, "no data set on one rank", ["rank 1", "data"], output)
    result = job.run(job.command(3, ["train", "--dataset", "nothing", "--output", str(output)]), codes=None)
    lines = [line for line in result.stderr.splitlines() if line.startswith("unlearn: error")]
    if len(lines) != 1 or "rank" in lines[0]:
        failures += 1
        print(f"FAIL an error of all ranks is printed {len(lines)} times: {lines}")
    else:
        print(f"ok   an error of all ranks is printed once, exit code {result.returncode}")
    return failures


def expect_fault(job, command, name, words, output):
    start = time.monotonic()
    result = job.run(command, codes=None, timeout=60)
    seconds = time.monotonic() - start
    lines = [line for line in result.stderr.splitlines() if "unlearn: error" in line]
    sound = result.returncode != 0 and any(all(word in line for word in words) for line in lines) and not output.exists()
    print(f"{'ok  ' if sound else 'FAIL'} {name}: {seconds:.1f} s, {lines[:1] or result.stderr[:300]}", flush=True)
    return 0 if sound else 1


def check_checkpoint(job, work, dataset):
    """A run of four processes that is interrupted goes on with two."""
    output, checkpoint = work / "resumed.safetensors", work / "checkpoint"
    command = ["train", "--dataset", dataset, "--epochs", "3", "--output", str(output)] + NETWORK + SHARDS
    job.run(job.command(None, command))
    expected = output.read_bytes()
    output.unlink()
    keeps = ["--checkpoint", str(checkpoint), "--checkpoint-every", "0"]
    process = subprocess.Popen(job.command(4, command + keeps), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(checkpoint.glob("*progress*")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    for rank in children(process.pid)[:1]:
        os.kill(rank, signal.SIGKILL)
    process.wait()
    states = sorted(path.name for path in checkpoint.iterdir())
    job.run(job.command(2, command + keeps + ["--resume"]))
    sound = output.read_bytes() == expected and bool(states)
    print(f"{'ok  ' if sound else 'FAIL'} a checkpoint of 4 processes goes on with 2: {len(states)} files")
    return 0 if sound else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=".build-mpi/release/unlearn")
    parser.add_argument("--mpirun", default="mpirun.openmpi" if shutil.which("mpirun.openmpi") else "mpirun")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist", help="the folder of Fashion-MNIST")
    parser.add_argument("--ranks", default="1,2,3,4")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="names of commands, comma-separated; the other parts are left out")
    arguments = parser.parse_args()
    # The record's date is part of the model's memory.
    os.environ["SOURCE_DATE_EPOCH"] = "1769860800"
    os.environ["OMPI_ALLOW_RUN_AS_ROOT"] = os.environ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    job = Job(arguments)
    work = pathlib.Path(tempfile.mkdtemp(prefix="unlearn-ranks-"))
    dataset = small_dataset(arguments.data, work / "data")
    other = small_dataset(arguments.data, work / "other", train=1199)
    model = str(work / "model.safetensors")
    job.run(job.command(None, ["train", "--dataset", dataset, "--epochs", "2", "--output", model] + NETWORK))
    job.run(job.command(None, ["forget", model, "--classes", "0", "--retain", dataset, "--samples-per-class", "60",
                               "--keep-ruined", "--output", str(work / "forgotten.safetensors")]))
    ranks = [int(count) for count in arguments.ranks.split(",")]
    only = arguments.only.split(",") if arguments.only else None
    failures = check_equality(job, work, dataset, ranks, only)
    if not only:
        failures += check_faults(job, work, dataset, other)
        failures += check_checkpoint(job, work, dataset)
        if arguments.kills:
            failures += check_kills(job, work, dataset, arguments.kills, arguments.seed)
    shutil.rmtree(work)
    print(f"{failures} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
