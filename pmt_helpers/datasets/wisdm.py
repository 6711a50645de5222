"""WISDM v1.1, transformed: 36 people with a phone in the pocket, six activities (Kwapisz et al. 2010). Notebook 01.

Fetched on request, never shipped. Whatever copy is found, its rows must be the published ones (content_digest), and
where they are, no header matters: copies on the web have many. SciPy's ARFF reader refuses the published header, so
there is a parser here. What the card states is measured in wisdm_card.
"""

import codecs
import functools
import hashlib
import re
import tarfile
import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.datasets.cards import load_card
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.features import FEATURE_NAMES
from pmt_helpers.datasets.files import MB, data_home, download, open_plain, printable, read_unpacked, state_of

ARFF = "WISDM_ar_v1.1_transformed.arff"
ABOUT = "WISDM_ar_v1.1_trans_about.txt"
ARCHIVE = "WISDM_ar_latest.tar.gz"
URL = f"https://www.cis.fordham.edu/wisdm/includes/datasets/latest/{ARCHIVE}"

CLASS_NAMES = ("Walking", "Jogging", "Upstairs", "Downstairs", "Sitting", "Standing")  # the file's own order
COLUMNS = ("UNIQUE_ID", "user", *FEATURE_NAMES, "class")
DIGEST = "b4ffb6ea5d8d3d71b3b318960c03c656418fa8e7f5c07039cc522656cffcc054"
NAMED = 5  # files of other names, in an error
LARGEST_MB, LARGEST_ARCHIVE_MB = 128, 512  # of a file, the raw one has 50; of an unpacked archive, which has 60
LARGEST = 1e12  # beyond it a number is damage, and would not fit the types below

_ATTRIBUTE = re.compile(r"""@attribute\s+(?:"([^"]*)"|'([^']*)'|([^\s{"']+))\s*(\S.*)""", re.IGNORECASE)
_DATA_LINE = re.compile(r"^[ \t]*@data[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_NOISE = str.maketrans("", "", " ;\r")
_AGAIN = "get the file again (see `python -m pmt_helpers data fetch --help`)"


@dataclass(frozen=True)
class ArffTable:
    """names: of the attributes, in order. rows: the data as text cells, each row as long as names."""

    names: tuple[str, ...]
    rows: list[list[str]]


@dataclass(frozen=True, eq=False)
class WisdmTable:
    """The rows in file order: unique_ids, users, y (n,) int64; X (n, 43) float32, NaN where the file says '?'."""

    unique_ids: np.ndarray
    users: np.ndarray
    X: np.ndarray
    y: np.ndarray


def wisdm_folder() -> Path:
    """Where WISDM is looked for and fetched to."""
    return data_home() / "wisdm"


def how_to_get(name: str = ARFF) -> str:
    """One sentence: fetch it, or put it there by hand. Where the table is, to fetch stops: it brings no other file."""
    fetch = "Run `python -m pmt_helpers data fetch wisdm`, or download"
    how = "Download" if name != ARFF and find_wisdm() else fetch
    return f"{how} {URL} in a browser and put {ARCHIVE} (or the {name} inside it) into {wisdm_folder()}."


def find_wisdm(name: str = ARFF) -> Path | None:
    """The file to read: one of that name in the wisdm folder or below it, else the archive there, else None."""
    folder = wisdm_folder()
    found, archive = sorted(folder.rglob(name)), folder / ARCHIVE
    files = [path for path in (*found, archive) if path.is_file()]
    return next(iter((*files, *found)), None)


def load_wisdm() -> ActivityData:
    """All windows; recordings are bouts: consecutive rows of one user and one class. Raises DataError if not there."""
    table = read_table(require_wisdm())
    changes = (np.diff(table.users) != 0) | (np.diff(table.y) != 0)
    return ActivityData(
        X=table.X, y=table.y, users=table.users,
        recordings=np.concatenate([[0], np.cumsum(changes)]), starts=np.arange(len(table.y)), window_readings=0,
        feature_names=FEATURE_NAMES, class_names=CLASS_NAMES, card=load_card("wisdm"),
    )  # fmt: skip


def require_wisdm() -> Path:
    """The file to read. Raises DataError, saying how to get it, when there is none."""
    path = find_wisdm()
    if path is not None:
        return path
    folder, found, remedy = wisdm_folder(), "none of its files", how_to_get()
    others = sorted(path.name for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if others:  # a second download is called "... (1)", and some browsers unpack or rename
        found += f"; there lies {', '.join(map(printable, others[:NAMED]))}" + (" and more" if others[NAMED:] else "")
        remedy = f"If this is it, unpack it and call the table {ARFF}. Else: {remedy}"
    raise DataError(file=folder, expected=f"{ARFF} or {ARCHIVE}", found=found, remedy=remedy)


def fetch_wisdm(url: str = URL) -> Path:
    """Path of the verified data: what is there already, else the official archive, downloaded. Raises DataError."""
    path = find_wisdm() or download(url, wisdm_folder() / ARCHIVE, verify=read_table)
    read_table(path)
    return path


def read_table(path: Path) -> WisdmTable:
    """The verified table in an ARFF or archive; read once for each state of the file."""
    return _read_table(path, state_of(path))


@functools.lru_cache(maxsize=2)
def _read_table(path: Path, state: tuple[int, int]) -> WisdmTable:
    text = read_text(path)
    if published := _published_rows(text):
        return _table(ArffTable(COLUMNS, [row.split(",") for row in published]), path)
    table = parse_table(text, path)  # says what is wrong
    digest = content_digest(text)
    if digest != DIGEST:
        expected, found = f"the published rows, digest {DIGEST[:12]}...", f"other rows, digest {digest[:12]}..."
        remedy = f"The file was changed, cut short or is another version. Delete it. {how_to_get()}"
        raise DataError(file=path, expected=expected, found=found, remedy=remedy)
    return table


def read_text(path: Path, name: str = ARFF) -> str:
    """Text of the file called name: path itself, its sibling, or inside it when path is an archive.

    Raises DataError when it is not there, cannot be read, or is not text.
    """
    try:
        if path.name.endswith(".tar.gz"):
            raw = _read_from_archive(path, name)
        else:
            with open_plain(path.parent / name, LARGEST_MB) as file:
                raw = file.read()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        other = raw.decode(
            "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "latin-1", "replace"
        )
        if _published_rows(other):
            return other
        found = f"a byte that is not text at position {error.start:,}"
        remedy = f"Delete the file, then get it again. {how_to_get(name)}"
        raise DataError(file=path, expected=f"{name} as plain text", found=found, remedy=remedy) from error
    except OSError as error:
        found = error.strerror or str(error)
        remedy = f"Check the file's permissions, or get it again. {how_to_get(name)}"
        raise DataError(file=path, expected=f"a readable {name}", found=found, remedy=remedy) from error


def about_counts(total: str, name: str = ABOUT) -> dict[str, int]:
    """How many examples an about file beside the table states, as `total`, and of each class; {} without that file."""
    try:
        text = read_text(require_wisdm(), name)
    except DataError:
        return {}  # a bare ARFF comes without it
    heads = {total: "Number of examples:", **{label: rf"{label}\s*->" for label in CLASS_NAMES}}
    found = {what: re.search(rf"{head}\s*([\d,]+)", text) for what, head in heads.items()}
    return {what: int(number[1].replace(",", "")) for what, number in found.items() if number}


def _read_from_archive(path: Path, name: str) -> bytes:
    wrong = partial(DataError, file=path, remedy=f"Delete it, then get it again. {how_to_get()}")
    with open_plain(path, LARGEST_ARCHIVE_MB) as file:
        start = file.read(512)
        packed, unpacked = (
            start.startswith(b"\x1f\x8b"),
            start[257:262] == b"ustar",
        )  # some browsers unpack on their own
        if not packed and not unpacked:
            found = "an empty file" if not start else f"a file that begins {start[:40].decode('latin-1')!r}"
            if start.lstrip().startswith(b"<"):
                found = f"a web page saved under this name, beginning {start[:40].decode('latin-1')!r}"
            if start.startswith(b"PK"):
                found += ", a zip archive: unpack it"
            raise wrong(expected="a tar.gz archive", found=found)
        file.seek(0)
        try:
            # a stream: what follows a good ARFF does not matter
            with tarfile.open(fileobj=file, mode="r|gz" if packed else "r|") as archive:
                for member in archive:
                    if member.offset_data + member.size > LARGEST_ARCHIVE_MB * MB:
                        found = f"one that unpacks to more than {LARGEST_ARCHIVE_MB} MB"
                        raise wrong(expected="WISDM's archive", found=found)
                    if member.isfile() and PurePosixPath(member.name).name == name:
                        content = archive.extractfile(member)
                        return read_unpacked(content, LARGEST_MB) if content else b""  # type: ignore[arg-type]
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            found = f"a damaged or truncated one ({error})"
            raise wrong(expected=f"a whole tar.gz archive with {name}", found=found) from error
    raise wrong(expected=f"{name} somewhere in the archive", found="nothing of that name, or damage")


def data_rows(text: str) -> list[str]:
    """Lines after @data without spaces, semicolons, carriage returns, comments and blank lines: what copies share."""
    body = _DATA_LINE.split(text, maxsplit=1)[-1]
    lines = (line.translate(_NOISE) for line in body.split("\n"))
    return [line for line in lines if line and not line.startswith("%")]


def content_digest(text: str) -> str:
    """sha256 of the data rows, each ended by one newline: the same for every header style and line end."""
    return _digest(data_rows(text))


def _digest(rows: list[str]) -> str:
    return hashlib.sha256("".join(row + "\n" for row in rows).encode()).hexdigest()


def _published_rows(text: str) -> list[str]:
    """The rows, as data_rows gives them, if they are the published ones: all lines that begin with a digit. Else []."""
    lines = (line.strip() for line in text.splitlines())
    rows = [line.translate(_NOISE).rstrip(",") for line in lines if line[:1].isdigit()]
    return rows if _digest(rows) == DIGEST else []


def parse_arff(text: str, file: object) -> ArffTable:
    """The attribute names and the rows of an ARFF text. file is named in errors.

    Raises DataError for an empty text, an HTML page, a missing header, or a row of the wrong length.
    """
    wrong = partial(DataError, file=file)
    if not text.strip():
        raise wrong(expected="an ARFF table", found="an empty file", remedy=f"Delete it and {_AGAIN}.")
    if text.lstrip()[:1] == "<":
        found = f"a web page, beginning {text.lstrip()[:40]!r}"
        remedy = f"A server answered with a page instead of the data. Delete the file and {_AGAIN}."
        raise wrong(expected="an ARFF table", found=found, remedy=remedy)
    header = _DATA_LINE.split(text, maxsplit=1)[0]
    lines = [line.strip() for line in header.split("\n")]
    matches = [_ATTRIBUTE.match(line) for line in lines if line.lower().startswith("@attribute")]
    names = tuple(next(group for group in match.groups() if group is not None) for match in matches if match)
    if header == text or not names or None in matches:
        found = "an @attribute line without name or type" if None in matches else "no @attribute lines"
        found = "no @data line" if header == text else found
        remedy = f"The header was cut off or edited. Delete the file and {_AGAIN}."
        raise wrong(expected="a header: @attribute lines, then @data, then the rows", found=found, remedy=remedy)
    rows = [row.split(",") for row in data_rows(text)]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            where = "the last row" if number == len(rows) else f"row {number:,} of {len(rows):,}"
            remedy = f"The file looks truncated or edited. Delete it and {_AGAIN}."
            expected, found = f"{len(names)} cells in every row", f"{len(row)} cells in {where}"
            raise wrong(expected=expected, found=found, remedy=remedy)
    if not rows:
        remedy = f"The file looks truncated. Delete it and {_AGAIN}."
        raise wrong(expected="rows after @data", found="none", remedy=remedy)
    return ArffTable(names, rows)


def parse_table(text: str, file: object) -> WisdmTable:
    """Typed columns from ARFF text. Raises DataError for missing columns, unknown classes and cells not numeric."""
    arff = parse_arff(text, file)
    if arff.names != COLUMNS:
        missing = [name for name in COLUMNS if name not in arff.names]
        expected = f"{len(COLUMNS)} columns: UNIQUE_ID, user, {len(FEATURE_NAMES)} features, class"
        found = f"{len(arff.names)} columns, " + (f"without {', '.join(missing)}" if missing else "in another order")
        remedy = f"This is not WISDM's transformed table, or its header was edited. Delete it. {how_to_get()}"
        raise DataError(file=file, expected=expected, found=found, remedy=remedy)
    return _table(arff, file)


def _table(arff: ArffTable, file: object) -> WisdmTable:
    classes = {name: code for code, name in enumerate(CLASS_NAMES)}
    for number, row in enumerate(arff.rows, start=1):
        if row[-1] not in classes:
            expected, found = f"a class among {', '.join(CLASS_NAMES)}", f"class {row[-1]!r} in row {number:,}"
            remedy = f"The file was edited or cut short. Delete it. {how_to_get()}"
            raise DataError(file=file, expected=expected, found=found, remedy=remedy)
    unique_ids, users = _numbers(arff, COLUMNS[:2], file).astype(np.int64).T
    X = _numbers(arff, FEATURE_NAMES, file, missing_allowed=True).astype(np.float32)
    return WisdmTable(unique_ids, users, X, np.array([classes[row[-1]] for row in arff.rows], dtype=np.int64))


def _numbers(arff: ArffTable, names: tuple[str, ...], file: object, missing_allowed: bool = False) -> np.ndarray:
    """The named columns as (n, len(names)) float64; features may be '?', ids must be whole numbers."""
    columns = [arff.names.index(name) for name in names]
    cells = np.array([[row[column] for column in columns] for row in arff.rows])
    unknown = (cells == "?") & missing_allowed
    filled = np.where(unknown, "0", cells)
    try:
        values = filled.astype(np.float64)
        valid = (np.abs(values) < LARGEST) & (missing_allowed | (values == np.round(values)))
    except ValueError:
        valid = np.array([[_is_number(cell) for cell in row] for row in filled], dtype=bool)
    if not valid.all():
        row, column = np.argwhere(~valid)[0]
        expected = "a number or '?' in every feature, a whole number in UNIQUE_ID and user"
        found = f"{str(cells[row, column])[:60]!r} under {names[column]} in row {row + 1:,}"
        remedy = f"The file was edited or damaged. Delete it. {how_to_get()}"
        raise DataError(file=file, expected=expected, found=found, remedy=remedy)
    return np.where(unknown, np.nan, values)


def _is_number(cell: str) -> bool:
    try:
        return abs(float(cell)) < LARGEST
    except ValueError:
        return False
