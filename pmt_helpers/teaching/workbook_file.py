"""The learner's own file: who "you" are, guesses, answers and progress. One small JSON, safe to copy and to delete."""

import base64
import json
import os
from pathlib import Path
from typing import Any

from pmt_helpers.datasets.files import atomic_path
from pmt_helpers.teaching.display import HtmlOutput, say

FILE_NAME = "my_workbook.json"
_FILE_VARIABLE = "PMT_WORKBOOK_FILE"


def workbook_path() -> Path:
    """Where the file is: PMT_WORKBOOK_FILE, or my_workbook.json in the current folder."""
    return Path(os.environ.get(_FILE_VARIABLE) or FILE_NAME).absolute()


class Workbook:
    """Sections of key and value, kept in a JSON file; in memory when the file cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content: dict[str, dict[str, Any]] = {}
        self._writable = True

    def get(self, section: str, key: str, default: Any = None) -> Any:
        """The value kept, or `default`."""
        self._refresh()
        return self._content.get(section, {}).get(key, default)

    def section(self, name: str) -> dict[str, Any]:
        """A copy of one section, such as "checks"; empty when nothing was kept."""
        self._refresh()
        return dict(self._content.get(name, {}))

    def put(self, section: str, key: str, value: Any) -> None:
        """Keep a value (anything JSON can hold) and write the file."""
        self._refresh()
        self._content.setdefault(section, {})[key] = value
        if not self._writable:
            return
        try:
            with atomic_path(self.path) as temporary:
                temporary.write_text(self.as_json(), encoding="utf-8")
        except OSError as error:
            self._writable = False
            say(
                f"Your answers cannot be written to {self.path.name} ({error.strerror or error}). They are kept only "
                "until this notebook closes. To keep them longer, copy the workbook to a folder of your own."
            )

    def as_json(self) -> str:
        """The whole file as text."""
        return json.dumps(self._content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    def _refresh(self) -> None:
        """Read the file again: another notebook may have written to it meanwhile."""
        if not self._writable:
            return
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            self._content = {}
            return
        except (OSError, UnicodeDecodeError) as error:
            self._set_aside(str(error))
            return
        try:
            content = json.loads(text)
            if not isinstance(content, dict) or not all(isinstance(part, dict) for part in content.values()):
                raise ValueError("it should hold sections with keys and values")
        except (ValueError, RecursionError) as error:
            self._set_aside(str(error))
            return
        self._content = content

    def _set_aside(self, why: str) -> None:
        damaged = self.path.with_name(self.path.name + ".damaged")
        self._content = {}
        try:
            self.path.replace(damaged)
        except OSError:
            self._writable = False
            say(
                f"{self.path.name} cannot be read ({why}). This notebook starts without your earlier answers, and "
                "keeps new ones only until it closes."
            )
            return
        say(f"{self.path.name} could not be read ({why}). It is now called {damaged.name}, and a new file is started.")


_open: dict[Path, Workbook] = {}


def current_workbook() -> Workbook:
    """The workbook of the current path; the same object for the same path."""
    path = workbook_path()
    if path not in _open:
        _open[path] = Workbook(path)
    return _open[path]


def my_person(dataset: str, person: int | None = None, *, default: int) -> int:
    """`person` if one is given, otherwise the one that the learner chose to be in this dataset, or `default`."""
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
        content = base64.b64encode(self._text.encode("utf-8")).decode("ascii")
        return (
            f'<a download="{self._name}" href="data:application/json;base64,{content}" '
            'style="display: inline-block; padding: 0.4em 0.9em; border: 1px solid; border-radius: 3px">'
            "Download my answers and progress, as they are now</a>"
        )


def export_button() -> _Export:
    """A link that downloads the workbook file as it is when the cell runs."""
    workbook = current_workbook()
    workbook.section("checks")  # reads the file again: another notebook may have written to it
    return _Export(workbook.as_json(), FILE_NAME)
