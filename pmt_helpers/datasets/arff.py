"""Reading ARFF, the text table format that WISDM is published in.

An own small parser, because scipy.io.arff refuses every copy of WISDM in circulation: it wants a space in `class{` and
takes {"Walking" , ...} for names that end in a space. Copies differ in quotes, spaces and line ends; this reads all.
"""

import hashlib
import re
from dataclasses import dataclass

from pmt_helpers.datasets.errors import DataError

_ATTRIBUTE = re.compile(r"""@attribute\s+(?:"([^"]*)"|'([^']*)'|([^\s{"']+))\s*(\S.*)""", re.IGNORECASE)
_DATA_LINE = re.compile(r"^[ \t]*@data[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_NOISE = str.maketrans("", "", " ;\r")
_AGAIN = "get the file again (see `python -m pmt_helpers data fetch --help`)"


@dataclass(frozen=True)
class ArffTable:
    """names: one an attribute, in order. rows: the data as text cells, each row as long as names."""

    names: tuple[str, ...]
    rows: list[list[str]]


def data_rows(text: str) -> list[str]:
    """Lines after @data without spaces, semicolons, carriage returns, comments and blank lines: what copies share."""
    body = _DATA_LINE.split(text, maxsplit=1)[-1]
    lines = (line.translate(_NOISE) for line in body.split("\n"))
    return [line for line in lines if line and not line.startswith("%")]


def content_digest(text: str) -> str:
    """sha256 of the data rows, each ended by one newline: the same for every header style and line end."""
    return hashlib.sha256("".join(row + "\n" for row in data_rows(text)).encode()).hexdigest()


def parse_arff(text: str, file: object) -> ArffTable:
    """The attribute names and the rows of an ARFF text. file is named in errors.

    Raises DataError for an empty text, an HTML page, a missing header, or a row of the wrong length.
    """
    if not text.strip():
        raise DataError(file=file, expected="an ARFF table", found="an empty file", remedy=f"Delete it and {_AGAIN}.")
    if text.lstrip()[:1] == "<":
        raise DataError(
            file=file, expected="an ARFF table", found=f"a web page, beginning {text.lstrip()[:40]!r}",
            remedy=f"A server answered with a page instead of the data. Delete the file and {_AGAIN}.",
        )  # fmt: skip
    header = _DATA_LINE.split(text, maxsplit=1)[0]
    lines = [line.strip() for line in header.split("\n")]
    matches = [_ATTRIBUTE.match(line) for line in lines if line.lower().startswith("@attribute")]
    names = tuple(next(group for group in match.groups() if group is not None) for match in matches if match)
    if header == text or not names or None in matches:
        broken = "an @attribute line without name or type" if None in matches else "no @attribute lines"
        raise DataError(
            file=file, expected="a header: @attribute lines, then @data, then the rows",
            found="no @data line" if header == text else broken,
            remedy=f"The header was cut off or edited. Delete the file and {_AGAIN}.",
        )  # fmt: skip
    rows = [row.split(",") for row in data_rows(text)]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            where = "the last row" if number == len(rows) else f"row {number:,} of {len(rows):,}"
            raise DataError(
                file=file, expected=f"{len(names)} cells in every row", found=f"{len(row)} cells in {where}",
                remedy=f"The file looks truncated or edited. Delete it and {_AGAIN}.",
            )  # fmt: skip
    if not rows:
        raise DataError(file=file, expected="rows after @data", found="none",
                        remedy=f"The file looks truncated. Delete it and {_AGAIN}.")  # fmt: skip
    return ArffTable(names, rows)
