"""Runs programs and keeps what they print, so that an interrupted experiment goes on where it was."""

import json
import math
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

UNLEARN = Path(__file__).resolve().parent.parent / ".build/release/unlearn"
# Student's t at 97.5 % by degrees of freedom.
STUDENT = [math.nan, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]


class ProgramFailed(Exception):
    """A program that ended with a status that was not expected."""


def measured(command, statuses=(0,)):
    """A program's JSON, the seconds and processor seconds that it took, and the peak of its resident memory in MiB."""
    command = [str(part) for part in command]
    print("$ " + shlex.join(command), file=sys.stderr, flush=True)
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    output = process.stdout.read()
    process.stdout.close()
    # Only this call tells one process's memory, not that of the largest so far.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in statuses:
        raise ProgramFailed(f"that ended with status {process.returncode}: {shlex.join(command)}")
    return {
        "report": json.loads(output),
        "seconds": time.monotonic() - start,
        "processor": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss / (1024 if sys.platform == "linux" else 1 << 20),
    }


def run(command, statuses=(0,)):
    """A program's JSON; the script ends if the program fails."""
    try:
        return measured(command, statuses)["report"]
    except ProgramFailed as failure:
        sys.exit(str(failure))


def write(path, value):
    """Writes JSON; an interruption leaves the old file or the new one."""
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(value, indent=1))
    os.replace(temporary, path)


def kept(path, key, make):
    """What a step gave, from its file if that is of the same key; else made and kept."""
    if path.exists():
        stored = json.loads(path.read_text())
        if stored["key"] == key:
            return stored["result"]
    result = make()
    write(path, {"key": key, "result": result})
    return result


class Runner:
    """Runs 'unlearn' and keeps each command's JSON in a file of a folder."""

    def __init__(self, folder, unlearn=UNLEARN, threads=None):
        self.folder, self.unlearn, self.threads = folder, unlearn, threads
        folder.mkdir(parents=True, exist_ok=True)

    def command(self, *parts):
        """A whole command line."""
        return [self.unlearn, *parts, "--json", "--quiet", *(["--threads", self.threads] if self.threads else [])]

    def run(self, result, *parts, statuses=(0,)):
        """A command's JSON, from its file if it has run before."""
        path = self.folder / f"{result}.json"
        if path.exists():
            return json.loads(path.read_text())
        report = run(self.command(*parts), statuses)
        write(path, report)
        return report


def half_interval(values):
    """Half of the mean's 95 % interval; None for one value, which has none."""
    if not 1 < len(values) <= len(STUDENT):
        return None
    mean = sum(values) / len(values)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    return STUDENT[len(values) - 1] * deviation / math.sqrt(len(values))


def cell(values, form, factor=1):
    """A table's text for some runs: their mean, and half of its 95 % interval where there are several."""
    values = [factor * value for value in values if value is not None]
    if not values:
        return "-"
    text, half = form.format(sum(values) / len(values)), half_interval(values)
    return text if half is None else text + " ± " + form.replace("+", "").replace(" %", "").format(half)
