#!/usr/bin/env python3
"""Counts the instructions of one small training step and compares them with the count that is checked in.

Time is what matters in the end, and a count knows nothing of caches. But it is the same on every run, on a busy machine
too, so that a few percent show. Needs valgrind, which knows no AVX-512 and therefore sees the AVX2 loops.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUNNER = HERE / ".build" / "release" / "workload-runner"
EXPECTED = HERE / "instructions.json"
MEASURED = "cm_measured_call"  # the runner calls each iteration through it
PINNED = {
    # What valgrind can run, whatever the machine has.
    "UNLEARNING_KERNELS": "avx2",
    "OPENBLAS_CORETYPE": "Haswell",
    # Without these a long copy is a single instruction that valgrind counts once for each byte.
    "GLIBC_TUNABLES": "glibc.cpu.x86_rep_movsb_threshold=1000000000:glibc.cpu.x86_rep_stosb_threshold=1000000000",
    "SWIFT_DETERMINISTIC_HASHING": "1",
}


def run(command, **options):
    result = subprocess.run(command, capture_output=True, text=True, **options)
    if result.returncode != 0:
        sys.exit(f"{command[0]} failed with status {result.returncode}:\n{result.stderr[-2000:]}")
    return result


def count(runner, workload, folder):
    """The instructions of one iteration, and callgrind's file."""
    # valgrind gives up on newer debug information than it knows; names of functions stay.
    stripped, profile = folder / "workload-runner", folder / "callgrind.out"
    run(["strip", "--strip-debug", "-o", str(stripped), str(runner)])
    command = ["valgrind", "--tool=callgrind", f"--toggle-collect={MEASURED}", f"--callgrind-out-file={profile}"]
    result = run(
        [*command, str(stripped), "--threads", "1"],
        input=f"setup {workload}\nrun\nquit\n",
        env={**os.environ, **PINNED},
    )
    if "error" in result.stdout:
        sys.exit(result.stdout)
    collected = re.search(r"Collected : (\d+)", result.stderr)
    if collected is None or int(collected[1]) == 0:
        sys.exit(f"nothing was counted:\n{result.stderr[-2000:]}")
    return int(collected[1]), profile


def shares(profile, most):
    """The functions with the most instructions of their own, as lines of percent and name."""
    text = run(["callgrind_annotate", "--auto=no", "--threshold=100", str(profile)]).stdout
    found = re.findall(r"^ *[\d,]+ \( *([\d.]+)%\)  [^ ]*?:(\S+)", text, re.MULTILINE)[:most]
    names = "\n".join(name for _, name in found)
    if shutil.which("swift"):
        names = run(["swift", "demangle", "--simplified"], input=names).stdout
    return [f"{share:>6} %  {name}" for (share, _), name in zip(found, names.splitlines())]


def comparable():
    """Whether the checked-in count means anything on this machine."""
    cpu = Path("/proc/cpuinfo")
    return platform.machine() == "x86_64" and cpu.exists() and " avx2 " in cpu.read_text()


def toolchain():
    """What a count depends on besides this package."""
    swift = run(["swift", "--version"]).stdout if shutil.which("swift") else ""
    version = re.search(r"Swift version (\S+)", swift)
    openblas = subprocess.run(["pkg-config", "--modversion", "openblas"], capture_output=True, text=True).stdout
    libc = " ".join(platform.libc_ver())
    return f"Swift {version[1] if version else 'unknown'}, OpenBLAS {openblas.strip() or 'unknown'}, {libc}"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", type=Path, default=RUNNER)
    parser.add_argument("--functions", type=int, default=20, help="how many functions are listed")
    parser.add_argument("--update", action="store_true", help=f"write the count into {EXPECTED.name}")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    for tool in ("valgrind", "callgrind_annotate", "strip"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is missing: install valgrind and binutils")
    if not arguments.runner.is_file():
        sys.exit(f"{arguments.runner} is missing: in {HERE.name}/ run swift build -c release --product workload-runner")
    expected = json.loads(EXPECTED.read_text())
    with tempfile.TemporaryDirectory() as folder:
        instructions, profile = count(arguments.runner, expected["workload"], Path(folder))
        print(*shares(profile, arguments.functions), sep="\n")
    change = instructions / expected["instructions"] - 1
    print(
        f"\n{expected['workload']}: {instructions:,} instructions, {100 * change:+.2f} % against the "
        f"{expected['instructions']:,} that are checked in"
    )
    if arguments.update:
        EXPECTED.write_text(
            json.dumps({**expected, "instructions": instructions, "toolchain": toolchain()}, indent=2) + "\n"
        )
    elif not comparable():
        print("not compared: the checked-in count is for x86-64 with AVX2")
    elif change > expected["tolerance"]:
        limit = f"{100 * expected['tolerance']:.0f} %"
        hint = f"; it was made with {expected['toolchain']}, here is {toolchain()}"
        sys.exit(f"more than {limit} more instructions{hint}. If that is meant: {Path(__file__).name} --update")
    elif change < -expected["tolerance"]:
        print(f"that is clearly less: hold it with {Path(__file__).name} --update")


if __name__ == "__main__":
    main()
