"""Tables as text and as Markdown, and their place in a document."""

import re
import sys
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "Docs" / "Benchmarks.md"


def aligned(lines, left):
    """A table for a terminal; `left` holds the columns of words, all others are numbers."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    text = (
        "  ".join(
            cell.ljust(width) if index in left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths))
        )
        for line in lines
    )
    return "\n".join(line.rstrip() for line in text)


def markdown(lines, left):
    rule = ["---" if index in left else "---:" for index in range(len(lines[0]))]
    return "".join(f"| {' | '.join(line)} |\n" for line in [lines[0], rule, *lines[1:]])


def blocks(document):
    """The names of a document's blocks."""
    return re.findall(r"^<!-- begin: (\S+) -->$", document.read_text(), re.MULTILINE)


def add_block(name, neighbors, prefix, document=DOCUMENT):
    """Adds an empty block, unless there is one of this name.

    It stands behind the last of its neighbors, or behind the last block whose name begins with the prefix.
    """
    names = blocks(document)
    if name in names:
        return
    before = [other for other in names if other in neighbors] or [other for other in names if other.startswith(prefix)]
    if not before:
        sys.exit(f"{document} has no block that {name} could follow: add one whose name begins with {prefix}")
    end = f"<!-- end: {before[-1]} -->\n"
    added = f"{end}\n<!-- begin: {name} -->\n<!-- end: {name} -->\n"
    document.write_text(document.read_text().replace(end, added, 1))


def check_block(name, document=DOCUMENT):
    """Ends the program if a document has no place for a block, which is better found out before hours of work."""
    begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->\n"
    content = document.read_text()
    if content.count(begin) != 1 or content.count(end) != 1 or content.index(begin) > content.index(end):
        sys.exit(f"{document} needs the lines {begin.strip()} and {end.strip()}, each once and in this order")


def write_block(name, paragraphs, document=DOCUMENT):
    """Replaces what stands between two marker comments."""
    check_block(name, document)
    begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->\n"
    before, rest = document.read_text().split(begin)
    text = "\n\n".join(paragraph.strip() for paragraph in paragraphs)
    document.write_text(f"{before}{begin}\n{text}\n\n{end}{rest.split(end)[1]}")
