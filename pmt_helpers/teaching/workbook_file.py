"""The learner's own file: who "you" are, guesses, answers and progress. One small JSON, safe to copy and to delete."""

import base64
import json
import os
from pathlib import Path
from typing import Any

from filelock import FileLock

from pmt_helpers import __version__
from pmt_helpers.datasets.files import atomic_path
from pmt_helpers.teaching.display import HtmlOutput, say

FILE_NAME = "my_workbook.json"
FORMAT = 2  # 1, without this number: no first choices, attempts and mistakes
FIRST = "first choices"
MOST_BYTES = 10_000_000  # a hundred times what a learner can fill
LOCK_SECONDS = 5
_FILE_VARIABLE = "PMT_WORKBOOK_FILE"


def workbook_path() -> Path:
    """Where the file is: PMT_WORKBOOK_FILE, or my_workbook.json in the current folder."""
    return Path(os.environ.get(_FILE_VARIABLE) or FILE_NAME).absolute()


class Workbook:
    """Sections of key and value in a JSON file that several kernels may write; what cannot be written yet is kept.

    Each change is made under a lock, on what the file holds by then. A link is followed: its file is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._real = path.resolve()
        self._lock = FileLock(self._real.with_name(f".{self._real.name}.lock"), timeout=LOCK_SECONDS)
        self._content: dict[str, dict[str, Any]] = {}
        self._unwritten: dict[tuple[str, str], Any] = {}
        self._said = ""

    def get(self, section: str, key: str, default: Any = None) -> Any:
        """The value kept, or `default`."""
        self._refresh()
        return self._content.get(section, {}).get(key, default)

    def section(self, name: str) -> dict[str, Any]:
        """A copy of one section, such as "checks"; empty when nothing was kept."""
        self._refresh()
        return dict(self._content.get(name, {}))

    def put(self, section: str, key: str, value: Any, **also: Any) -> None:
        """Keep a value (anything JSON can hold) and write the file; `also`: values of the same key in other sections.

        The first choice in a quiz and the first prediction stay, whatever is chosen later.
        """
        if section in ("predictions", "quiz") and key not in self.section(FIRST):
            self._unwritten[FIRST, key] = self._content.get(section, {}).get(key, value)
        self._unwritten |= {("file", "format"): FORMAT, ("file", "version"): __version__, (section, key): value}
        self._unwritten |= {(name, key): each for name, each in also.items()}
        try:
            with self._lock:
                self._refresh()
                with atomic_path(self._real) as temporary:
                    temporary.write_text(self.as_json(), encoding="ascii")
            self._unwritten.clear()
        except OSError as error:
            self._refresh()
            self._say_once(
                f"Your answers cannot be written to {self.path.name} ({error.strerror or error}). They are kept only "
                "until this notebook closes. To keep them longer, copy the workbook to a folder of your own."
            )

    def as_json(self) -> str:
        """The whole file as text, in ASCII: a lone half of a character has no other form."""
        return json.dumps(self._content, indent=1, sort_keys=True) + "\n"

    def _refresh(self) -> None:
        """Read the file again, as another notebook may have written to it; what is not written yet comes on top."""
        try:
            self._content = _read_sections(self._real)
        except (ValueError, RecursionError):
            self._content = {}
            self._set_aside()
        except OSError as error:
            self._content = {}
            self._say_once(
                f"{self.path.name} cannot be read ({error.strerror or error}). This notebook starts without your "
                "earlier answers, and keeps new ones only until it closes."
            )
        for (section, key), value in self._unwritten.items():
            self._content.setdefault(section, {})[key] = value

    def _set_aside(self) -> None:
        """Rename a damaged file, unless another notebook has done so by now."""
        names = (f"{self._real.name}.damaged{number}" for number in ("", *(f"-{n}" for n in range(2, 1000))))
        kept = next(path for path in map(self._real.with_name, names) if not path.exists())
        try:
            with self._lock:
                try:
                    self._content = _read_sections(self._real)
                except (ValueError, RecursionError) as error:
                    self._real.rename(kept)
                    begun = f"It is now called {kept.name}, and a new file is started."
                    say(f"{self.path.name} could not be read ({error}). {begun}")
        except OSError as error:
            self._say_once(
                f"{self.path.name} is damaged and cannot be moved ({error.strerror or error}). This notebook starts "
                "without your earlier answers, and keeps new ones only until it closes."
            )

    def _say_once(self, text: str) -> None:
        if text != self._said:
            self._said = text
            say(text)


def _read_sections(path: Path) -> dict[str, dict[str, Any]]:
    """What the file holds, in any of JSON's encodings. Raises ValueError unless it is sections of keys and values."""
    if not path.exists():
        return {}
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it is larger than {MOST_BYTES:,} bytes")
    content = path.read_bytes()
    if not content.strip():
        return {}
    parsed = json.loads(content, object_pairs_hook=_merged, parse_constant=lambda _: None)
    if not isinstance(parsed, dict) or not all(part is None or isinstance(part, dict) for part in parsed.values()):
        raise ValueError("it should hold sections with keys and values")
    return {name: part for name, part in parsed.items() if part is not None}


def _merged(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose name stands twice has the keys of both: somebody joined two files by hand."""
    merged: dict[str, Any] = {}
    for name, value in pairs:
        before = merged.get(name)
        merged[name] = before | value if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


_open: dict[Path, Workbook] = {}


def current_workbook() -> Workbook:
    """The workbook of the current path; the same object for the same path."""
    path = workbook_path()
    if path not in _open:
        _open[path] = Workbook(path)
    return _open[path]


def my_person(dataset: str, person: int | None = None, *, default: int) -> int:
    """`person` if one is given, otherwise the one that the learner chose to be in this dataset, or `default`.

    In "mine" you are yourself.
    """
    from pmt_helpers.datasets.mine import NAME, YOU

    if dataset == NAME:
        return YOU
    if person is not None:
        return person
    chosen = current_workbook().get("person", dataset, default)
    return chosen if isinstance(chosen, int) else default


class _Export(HtmlOutput):
    def __init__(self, text: str, name: str) -> None:
        self._text, self._name = text, name

    def __repr__(self) -> str:
        return f"A link to download your answers and progress ({self._name}) appears here when the cell is run."

    def to_html(self) -> str:
        content = base64.b64encode(self._text.encode("ascii")).decode("ascii")
        return (
            f'<a download="{self._name}" href="data:application/json;base64,{content}" '
            'style="display: inline-block; padding: 0.4em 0.9em; border: 1px solid; border-radius: 3px">'
            "Download my answers and progress, as they were when this cell ran</a>"
        )


def export_button() -> _Export:
    """A link that downloads the workbook file as it is when the cell runs."""
    workbook = current_workbook()
    workbook.section("checks")  # reads the file again: another notebook may have written to it
    return _Export(workbook.as_json(), FILE_NAME)
