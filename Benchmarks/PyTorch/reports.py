"""What --json writes: read again, and written into the document as the table of its kind of processor."""

import json
import sys
from pathlib import Path

import tables

# The kinds of processors whose tables, goals and thresholds are kept apart. Those of AMD and Intel have AVX-512 unless their
# names end in avx2.
KINDS = ("amd", "amd-avx2", "intel", "intel-amx", "intel-avx2", "other")


def add_arguments(parser):
    """The flags that say where a table goes, and those that take one that was measured before."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything that was measured")
    parser.add_argument("--docs", action="store_true", help=f"write the table into {tables.DOCUMENT.name}")
    parser.add_argument(
        "--from-json",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="measure nothing: take what --json has written, here or on another machine",
    )
    parser.add_argument("--kind", choices=KINDS, help="of the processor, where a --from-json FILE does not name it")


def load(paths, kind, identity):
    """Reports that belong together, as one; a row of a later file replaces that of an earlier one.

    `identity` has the keys that tell a row from the others.
    """
    reports = [read(path, kind, identity) for path in paths]
    first = reports[0]
    rows = {}
    for path, report in zip(paths, reports):
        for fact in ("kind", "precision", "processor", "cores", "torch"):
            if report["machine"][fact] != first["machine"][fact]:
                difference = f"{first['machine'][fact]} and {report['machine'][fact]}"
                sys.exit(f"{paths[0]} and {path} do not belong together: {fact} {difference}")
        rows.update({tuple(row[key] for key in identity): row for row in report["rows"]})
    return {**first, "rows": list(rows.values())}, reports


def read(path, kind, identity):
    try:
        report = json.loads(path.read_text())
        facts = report["machine"]
        # Reports did not name precision and kind at first.
        facts.setdefault("precision", "bfloat16" if "bfloat16 kernels" in facts["about"] else "float32")
        facts["kind"] = facts.get("kind") or kind
        if not report["rows"]:
            raise ValueError("it has no rows")
        if missing := [key for key in identity if any(key not in row for row in report["rows"])]:
            raise ValueError(f"its rows have no {' and no '.join(missing)}")
    except OSError as failure:
        sys.exit(f"{path} cannot be read: {failure.strerror}")
    except (ValueError, KeyError, TypeError, AttributeError) as failure:
        sys.exit(f"{path} is not a report that --json of this script has written: {failure}")
    if not facts["kind"]:
        sys.exit(f"{path} does not name the kind of its processor ({facts['processor']}): add --kind KIND")
    if kind and facts["kind"] != kind:
        sys.exit(f"{path} is of kind {facts['kind']}, not {kind}: leave --kind out")
    return report


def name(facts):
    """What is kept apart: a kind of processor in one precision, such as amd-avx2 or intel-amx-bfloat16."""
    return facts["kind"] + suffix(facts["precision"])


def suffix(precision):
    return "" if precision == "float32" else f"-{precision}"


def write_block(tool, facts, paragraphs):
    """Replaces the block of such a processor in the document, or adds one behind those of the same precision."""
    block = f"{tool}-{name(facts)}"
    same_precision = {f"{tool}-{kind}{suffix(facts['precision'])}" for kind in KINDS}
    tables.add_block(block, same_precision, prefix=tool)
    tables.write_block(block, paragraphs)
