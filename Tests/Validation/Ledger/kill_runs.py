#!/usr/bin/env python3
"""Kills `unlearn ledger run` at random moments and checks what is left.

Every round makes a ledger with two requests and starts the run again and again, each time killed (SIGKILL) at a random
moment, until it ends by itself. After each kill the ledger must verify, and the file given by --output must be missing or
whole; in the end both requests must be done once, and the model must have the same bytes as after a run that nobody killed.
Rounds take methods in turn: one whose model passes and leaves, and one whose model is refused and must not.
`unlearn-ledger` has to be built beside `unlearn`.

    Tests/Validation/Ledger/kill_runs.py [--unlearn .build/release/unlearn] [--kills 200] [--seed 0]
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

# How a run by each method ends here, and its exit code.
METHODS = {"default": ("passed", 0), "unsir": ("refused", 2)}


def write_data(folder):
    """IDX files of 4x4 images: each of ten classes has a bright pixel of its own."""
    generator = random.Random(1)
    for prefix, count in [("train", 24), ("t10k", 8)]:
        labels = [n % 10 for n in range(10 * count)]
        pixels = bytes(
            min(255, max(0, int((220 if place == label else 40) + 15 * generator.gauss(0, 1))))
            for label in labels for place in range(16))
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 0x803, len(labels), 4, 4) + pixels)
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, len(labels)) + bytes(labels))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--unlearn", default=".build/release/unlearn")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    program = str(pathlib.Path(arguments.unlearn).resolve())
    moments = random.Random(arguments.seed)
    # The job's time is part of what the model remembers.
    os.environ["SOURCE_DATE_EPOCH"] = "1769860800"

    def run(*options, statuses=(0,)):
        ending = subprocess.run([program, *map(str, options)], capture_output=True, text=True)
        if ending.returncode not in statuses:
            sys.exit(f"unlearn {' '.join(map(str, options))}: {ending.returncode}\n{ending.stdout}{ending.stderr}")
        return ending.stdout

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_data(folder)
        data, model = f"fashion-mnist:{folder}", folder / "model.safetensors"
        run("train", "--dataset", data, "--architecture", "resnet18:width=0.125", "--image-size", "4", "--channels", "1",
            "--epochs", "30", "--batch-size", "16", "--output", model)
        policy, released = folder / "policy.json", folder / "released.safetensors"
        # The data are too few for a complete audit.
        policy.write_text('{"acceptsIncomplete": true}')

        def command(path, method):
            return ["ledger", "run", path, "--retain", data, "--validation", data, "--quick", "--method", method,
                    "--keep-ruined", "--output", released]

        def make(path):
            shutil.rmtree(path, ignore_errors=True)
            released.unlink(missing_ok=True)
            run("ledger", "init", path, "--model", model, "--policy", policy)
            # The record has the reference, or else the ledger's random name, and the model has the record's digest.
            for request in (5, 6):
                run("ledger", "add", path, "--classes", request, "--reference", f"ticket {request}")

        def check_released(method, is_ended):
            """Without a kill in between, the file is there exactly if the model may leave."""
            if released.exists():
                if METHODS[method][0] != "passed" or released.read_bytes() != wanted[method]:
                    sys.exit(f"{method}: the released model is none that may leave")
            elif is_ended and METHODS[method][0] == "passed":
                sys.exit(f"{method}: no model was released")

        calm, wanted, durations = folder / "calm", {}, {}
        for method, (_, status) in METHODS.items():
            make(calm)
            start = time.monotonic()
            run(*command(calm, method), statuses=[status])
            durations[method] = time.monotonic() - start
            wanted[method] = (calm / "models/0001.safetensors").read_bytes()
            check_released(method, is_ended=True)

        ledger, kills, rounds, resumed = folder / "ledger", 0, 0, 0
        while kills < arguments.kills:
            method = list(METHODS)[rounds % len(METHODS)]
            outcome, status = METHODS[method]
            make(ledger)
            rounds += 1
            attempts = 0
            while True:
                process = subprocess.Popen(
                    [program, *map(str, command(ledger, method))], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                # Now and then to the end, so that a round ends.
                limit = None if attempts == 10 else moments.uniform(0, 1.05 * durations[method])
                attempts += 1
                start = time.monotonic()
                try:
                    process.wait(limit)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    kills += 1
                    run("ledger", "verify", ledger)
                    check_released(method, is_ended=False)
                    continue
                if process.returncode != status:
                    sys.exit(f"ledger run ended with {process.returncode}")
                if attempts == 1:
                    # How fast the machine is now, so that moments are spread over a run.
                    durations[method] = time.monotonic() - start
                break
            export = json.loads(run("ledger", "export", ledger))
            rows = [row["kind"] for row in export["rows"]]
            if [rows.count(kind) for kind in ("requested", "started", "finished")] != [2, 1, 1]:
                sys.exit(f"a request was lost or done twice: {rows}")
            states = [request["state"] for request in json.loads(run("ledger", "status", ledger, "--json"))["requests"]]
            if states != [outcome, outcome]:
                sys.exit(f"{method}: the requests are {states}")
            if (ledger / "models/0001.safetensors").read_bytes() != wanted[method]:
                sys.exit("the model has other bytes than after a run that nobody killed")
            check_released(method, is_ended=True)
            run("ledger", "verify", ledger)
            resumed += rows.count("resumed")
            print(f"ok   {method}: {kills} kills, a run takes {durations[method]:.2f} s", flush=True)
        print(f"{kills} kills in {rounds} ledgers, {resumed} resumptions: every request done once, the chain valid, "
              "the same bytes")


if __name__ == "__main__":
    main()
