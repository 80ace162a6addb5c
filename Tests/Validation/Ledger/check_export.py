#!/usr/bin/env python3
"""Checks an exported ledger by hashlib alone: the chain of its rows, and the digests of the files beside it.

    unlearn ledger export LEDGER --output EXPORT
    Tests/Validation/Ledger/check_export.py EXPORT [--head HASH]
"""

import argparse
import hashlib
import json
import pathlib
import sys


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("export", type=pathlib.Path, help="the folder, or its ledger.json")
    parser.add_argument("--head", help="the hash of a row that was noted elsewhere")
    arguments = parser.parse_args()
    path = arguments.export / "ledger.json" if arguments.export.is_dir() else arguments.export
    ledger = json.loads(path.read_text())
    faults, previous = [], "0" * 64
    for number, row in enumerate(ledger["rows"], 1):
        text = "\n".join([previous, str(number), row["time"], row["kind"], row["payload"]])
        if row["sequence"] != number or row["previous"] != previous:
            faults.append(f"row {row['sequence']} does not follow row {number - 1}")
        if hashlib.sha256(text.encode()).hexdigest() != row["hash"]:
            faults.append(f"row {number} was changed")
        previous = row["hash"]
    if ledger["head"] != previous:
        faults.append("the head is not the last row's hash")
    if arguments.head and arguments.head not in [row["hash"] for row in ledger["rows"]]:
        faults.append("no row has the noted hash")
    files = [file for row in ledger["rows"] if row["kind"] == "finished" for file in json.loads(row["payload"])["files"]]
    for file in files if arguments.export.is_dir() else []:
        place = arguments.export / file["path"]
        if not place.is_file() or hashlib.sha256(place.read_bytes()).hexdigest() != file["sha256"]:
            faults.append(f"{file['path']} is missing or was changed")
    print("\n".join(faults) or f"{len(ledger['rows'])} rows follow each other; head {previous}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
