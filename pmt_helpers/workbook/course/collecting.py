"""Collect submissions: Moodle's or Canvas' zips, nbgrader's submitted folder, or plain notebooks; one folder a student.

Whose a file is, is read from its path, and held against every column of the roster (names in either order, numbers,
addresses). What cannot be used is listed with its reason; nothing is guessed.
"""

import io
import json
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path, PurePosixPath

import nbformat
import pandas as pd

from pmt_helpers.teaching.exercises import find_exercise
from pmt_helpers.teaching.workbook_file import FILE_NAME, MOST_BYTES
from pmt_helpers.workbook.course.answers import submitted_answers
from pmt_helpers.workbook.files import NotebookError

MOST_ENTRIES, MOST_TOTAL, MOST_NESTED = 5000, 1 << 30, 2  # files and bytes in all, and zips within zips
PROBLEMS = "problems.csv"
MAXIMA = "Points Possible"  # what Canvas has in place of a name in one row
_MOODLE = re.compile(r"^(?P<who>.+?)_(?P<number>\d+)_assignsubmission_(file|onlinetext)")
_CANVAS = re.compile(r"^(?P<who>[^_]+)_(LATE_)?(?P<number>\d+)_\d+_")
_PREFIXED = re.compile(r"^(?P<who>.+?)(?P<number>)[_ -]+(?=\d\d_[a-z]|my_workbook)")
_NO_NAME = {"submitted", "submissions", "notebooks", "nb", "__macosx"}


def collect_submissions(
    folder: Path, out: Path, roster: pd.DataFrame | None = None, report: Callable[[str], None] = print
) -> pd.DataFrame:
    """Write out/STUDENT/NN.ipynb and out/STUDENT/my_workbook.json. Returns the files not used, with reasons.

    STUDENT is the roster's `student_names`, or without one the name in the path. Of two files for the same notebook
    the one whose path comes last is used, as Canvas and Moodle number later ones higher.
    """
    aliases = None if roster is None else _aliases(roster)
    problems: list[tuple[str, str]] = []
    used: dict[tuple[str, str], tuple[str, bytes]] = {}
    for path, content, reason in _files(folder, problems):
        name = PurePosixPath(path).name
        if name.startswith(".") or "__MACOSX" in path or ".ipynb_checkpoints" in path:
            continue
        if not reason and not (name.endswith(".ipynb") or FILE_NAME.removesuffix(".json") in name):
            reason = "neither a notebook nor an answers file"
        target, reason = ("", reason) if reason else _target(name, content)
        student, reason = ("", reason) if reason else _student(path, aliases)
        if reason:
            problems.append((path, reason))
            continue
        first, last = used.get((student, target)), (path, content)
        if first:
            first, last = sorted((first, last), key=_order)
            same = "the same as" if first[1] == last[1] else "replaced by"
            problems.append((first[0], f"duplicate of {student}'s {target}: {same} {last[0]}"))
        used[student, target] = last
    for (student, target), (_, content) in used.items():
        place = out / student / target
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content.decode(json.detect_encoding(content)), encoding="utf-8", newline="")
    out.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(problems, columns=["file", "reason"])
    table.replace(r"^(?=[=+\-@])", "./", regex=True).to_csv(out / PROBLEMS, index=False)  # no spreadsheet's formula
    students = {student for student, _ in used}
    report(f"{len(students)} students, {len(used)} files; {len(table)} files not used: see {PROBLEMS}.")
    if roster is not None:
        missing = [name for name in map(folder_name, student_names(roster)) if name not in students]
        report(f"Nothing from {len(missing)}: {', '.join(missing) or 'nobody'}.")
    return table


def _order(file: tuple[str, bytes]) -> list[str | int]:
    """Its path without the ending, numbers as numbers: my-10.ipynb comes after my-9.ipynb, and that after my.ipynb."""
    parts = re.split(r"(\d+)", file[0].rpartition(".")[0])
    return [int(part) if number % 2 else part for number, part in enumerate(parts)]


def _files(folder: Path, problems: list[tuple[str, str]]) -> Iterator[tuple[str, bytes, str]]:
    """Path, content and what is wrong with it, of each file, zips opened; links are not followed out of the folder."""
    read = [0, 0]
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            problems.append((name, "a link: only files are read"))
        elif path.is_file() and path.suffix.lower() == ".zip":
            yield from _zipped(path, name, read)
        elif path.is_file():
            large = path.stat().st_size > MOST_BYTES
            yield name, b"" if large else path.read_bytes(), f"larger than {MOST_BYTES:,} bytes" if large else ""


def _zipped(file: Path | io.BytesIO, name: str, read: list[int], depth: int = 1) -> Iterator[tuple[str, bytes, str]]:
    """The files of a zip, none of them written anywhere; what it says of its sizes is not believed.

    read: how many files and bytes so far, in all zips; counted on here.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                inner = f"{name}/{entry.filename}"
                read[0] += 1
                if read[0] > MOST_ENTRIES or read[1] > MOST_TOTAL:
                    yield name, b"", f"more than {MOST_ENTRIES} files or {MOST_TOTAL:,} bytes: the rest is not read"
                    return
                if entry.is_dir():
                    continue
                with archive.open(entry) as stream:
                    content = stream.read(MOST_BYTES + 1)
                read[1] += len(content)
                if len(content) > MOST_BYTES:
                    yield inner, b"", f"larger than {MOST_BYTES:,} bytes"
                elif entry.filename.lower().endswith(".zip"):
                    if depth >= MOST_NESTED:
                        yield inner, b"", "a zip in a zip in a zip"
                    else:
                        yield from _zipped(io.BytesIO(content), inner, read, depth + 1)
                else:
                    yield inner, content, ""
    except Exception as error:  # a dozen kinds for damaged, locked and unknown ones, zlib's and lzma's own among them
        yield name, b"", f"a zip that cannot be read ({type(error).__name__}: {error})"


def _target(name: str, content: bytes) -> tuple[str, str]:
    """What the file is called once collected, told by its exercises and not by its name; or why it is of no use."""
    try:
        if not name.endswith(".ipynb"):
            json.loads(content)
            return FILE_NAME, ""
        answers = submitted_answers(nbformat.reads(content.decode(json.detect_encoding(content)), as_version=4))
    except Exception as error:  # nbformat raises many kinds for what is no notebook
        return "", f"cannot be read: {type(error).__name__}: {str(error).splitlines()[0][:80] if str(error) else ''}"
    if not answers:
        return "", "holds no exercise of the workbook"
    modules = Counter(find_exercise(exercise).solution.__module__[-2:] for exercise in answers)
    return f"{modules.most_common(1)[0][0]}.ipynb", ""


def _student(path: str, aliases: dict[str, set[str]] | None) -> tuple[str, str]:
    """The student's folder, or why none is known. The outermost part of the path that names one counts."""
    found = list(_names(path))
    if aliases is None:
        return (folder_name(found[0][0]), "") if found else ("", "no name in its path")
    for name, number in found:
        students = aliases.get(_plain(name), set())
        if number and len(students) > 1:  # Canvas' ID, or Moodle's "Participant 12" in whatever language
            numbered = {who for who in students if number == re.split(r"\D", who)[-1]}
            students = students & aliases.get(number, set()) or numbered or students
        if len(students) > 1:
            return "", f"{name!r} may be {' or '.join(sorted(students))}"
        if students:
            return next(iter(students)), ""
    return "", f"nobody in the roster is called {found[0][0]!r}" if found else "no name in its path"


def _names(path: str) -> Iterator[tuple[str, str]]:
    """What may be a name, and its number: in each part of a path Moodle's and Canvas' patterns, a folder, a prefix."""
    *folders, file = [part for part in path.split("/") if not part.lower().endswith(".zip")] or [""]
    for part in (*folders, file):
        match = _MOODLE.match(part) or _CANVAS.match(part) or _PREFIXED.match(part)
        if match:
            yield match["who"], match["number"]
        elif part != file and part.lower() not in _NO_NAME and not re.match(r"\d\d_|nb\d\d", part):
            yield part, ""
    for part in path.split("/")[:-1]:  # a student's own zip, called by the student's name
        if part.lower().endswith(".zip"):
            match = _MOODLE.match(part) or _CANVAS.match(part)
            yield (match["who"], match["number"]) if match else (part[:-4], "")


def _aliases(roster: pd.DataFrame) -> dict[str, set[str]]:
    """Plain name -> the students it may mean: a cell of the roster, two of them, the account of an address."""
    aliases: dict[str, set[str]] = {}
    names_of = student_names(roster).map(folder_name)
    for student, row in zip(names_of, roster.loc[names_of.index].itertuples(index=False), strict=True):
        cells = [str(cell) for cell in row if str(cell).strip()]
        names = [*cells, *(cell.partition("@")[0] for cell in cells), *map(" ".join, permutations(cells, 2))]
        words = [name.replace(",", " ").split() for name in cells]
        names += [" ".join(order) for part in words if len(part) <= 4 for order in permutations(part)]
        for name in names:
            aliases.setdefault(_plain(name), set()).add(student)
    return aliases


def student_names(roster: pd.DataFrame) -> pd.Series:
    """What names each student: the first column that tells all rows apart. Canvas' row of maxima is no student."""
    rows = roster[roster.iloc[:, 0].str.strip() != MAXIMA]
    for _, column in rows.items():
        if column.map(folder_name).is_unique:
            return column
    twice = rows.iloc[:, 0][rows.iloc[:, 0].map(folder_name).duplicated()].iloc[0]
    raise NotebookError(f"Roster: {twice!r} stands twice, and no column tells the rows apart: one row per student.")


def _plain(name: str) -> str:
    """Letters and digits only, without accents, in lower case."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in letters if letter.isalnum())


def folder_name(name: str) -> str:
    """A name that is safe as a folder's and as a cell of a spreadsheet, whatever stands in it."""
    return re.sub(r"[^\w@.+ -]", "_", name).strip(" .").lstrip("=+-@ .") or "_"
