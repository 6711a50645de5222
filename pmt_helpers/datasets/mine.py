"""You as one more person of a data set: labels beside your own recordings, then the windows of both. Notebook 02.

Labels of walk.csv stand in walk.csv.labels.csv: the line LABELS, the line from_s,to_s,label, then one stretch a line,
in seconds since the file's first reading. A recording without that file may be one activity, named as its file is:
walking.csv, Walking 2.zip. Nothing here is sent.
"""

import csv
import functools
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pmt_helpers.datasets import measures, watch, wisdm
from pmt_helpers.datasets.base import ActivityData, Recording
from pmt_helpers.datasets.cards import DataCard, Statement, load_card
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.features import windows_of
from pmt_helpers.datasets.files import atomic_path, open_plain, printable, state_of
from pmt_helpers.datasets.own_recordings import OwnRecording, load_own_recordings

NAME, YOU = "mine", 0
BASES = {"wisdm": wisdm.load_wisdm, "watch": watch.load_watch}  # whose classes all your labels are
LABELS, COLUMNS = "# pmt-labels/1", ["from_s", "to_s", "label"]
LABELS_SUFFIX = ".labels.csv"
LARGEST_LABELS_MB = 1
TRIM_S = 1.0  # at both ends of a stretch: there the device is taken out or put away
FEWEST, FEWEST_OF_CLASS = 40, 5  # windows that do not overlap, and windows of a class, one for each fold
SUFFIXES = (".csv", ".txt", ".zip", ".xls")
WHAT_TO_RECORD = "two minutes of each activity"


class Stretch(NamedTuple):
    """One activity in a recording, in seconds since the file's first reading."""

    from_s: float
    to_s: float
    label: str


def recordings_folder() -> Path:
    """PMT_RECORDINGS if set, else my_recordings in the folder of the notebooks. It may not exist yet."""
    chosen = os.environ.get("PMT_RECORDINGS", "").strip()
    if chosen:
        return Path(chosen).expanduser().absolute()
    notebooks = Path.cwd() / "notebooks"
    return (notebooks if notebooks.is_dir() else Path.cwd()) / "my_recordings"


def recording_files(folder: Path) -> list[Path]:
    """Recordings in a folder, by name; those that somebody hid, and labels, are none."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    visible = [path for path in files if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    return [path for path in visible if path.is_file() and not path.name.endswith(LABELS_SUFFIX)]


def find_mine() -> Path | None:
    """The folder of your recordings, if it holds a labelled one."""
    return recordings_folder() if labelled_files() else None


def labels_path(recording: Path) -> Path:
    """Where the labels of a recording stand."""
    return recording.with_name(f"{recording.name}{LABELS_SUFFIX}")


def read_labels(recording: Path) -> tuple[Stretch, ...]:
    """The labelled stretches of a recording, in order of time; none without a file. Raises DataError for damage."""
    path = labels_path(recording)
    try:
        with open_plain(path, LARGEST_LABELS_MB) as file:
            rows = list(csv.reader(file.read().decode("utf-8-sig").splitlines()))
        if rows[:2] != [[LABELS], COLUMNS]:
            raise ValueError(f"it begins {' / '.join(','.join(row) for row in rows[:2])[:80]!r}")
        stretches = []
        for number, row in enumerate(rows[2:], start=3):
            if row and len(row) != len(COLUMNS):
                raise ValueError(f"{len(row)} cells in line {number}")
            stretches += [Stretch(float(row[0]), float(row[1]), row[2])] if row else []
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, csv.Error) as error:
        expected = f"{LABELS}, then {','.join(COLUMNS)}, then a stretch on each line"
        remedy = "Correct it in a text editor, or rename it and label the recording again."
        raise DataError(file=path, expected=expected, found=str(error)[:200], remedy=remedy) from None
    return check_stretches(stretches, path)


def check_stretches(
    stretches: Iterable[Stretch], file: object, classes: Sequence[str] | None = None, seconds: float = math.inf
) -> tuple[Stretch, ...]:
    """The stretches in order of time. Raises DataError for one that ends before it starts, begins before the recording
    or ends after it, overlaps with another, or has a label that is none of `classes`.
    """
    known = classes or [name for base in BASES for name in load_card(base).classes]
    ordered = tuple(sorted(stretches))
    for before, (start, end, label) in zip((None, *ordered), ordered, strict=False):
        wrong = {
            "stretches that end after they start": not 0 <= start < end < math.inf,
            f"stretches within the recording's {seconds:.1f} s": end > seconds + 0.05,  # as a screen rounds them
            f"a label among {', '.join(known)}": label not in known,
            "stretches that do not overlap": before is not None and start < before.to_s,
        }
        for expected, fails in wrong.items():
            if fails:
                found, remedy = f"{label[:40]!r} from {start:g} to {end:g} s", "Change this stretch, or take it out."
                if "overlap" in expected and before:
                    found += f", and {before.label!r} from {before.from_s:g} to {before.to_s:g} s"
                raise DataError(file=file, expected=expected, found=found, remedy=remedy)
    return ordered


def write_labels(recording: Path, stretches: Iterable[Stretch], classes: Sequence[str], seconds: float) -> None:
    """Save the labels of a recording, whole or not at all. Raises DataError for stretches that cannot be, and rather
    than write over a file of that name that holds no labels.
    """
    ordered = check_stretches(stretches, labels_path(recording), classes, seconds)
    read_labels(recording)  # raises for what is no file of ours
    if not ordered:  # as if it had never been labelled
        labels_path(recording).unlink(missing_ok=True)
        return
    with atomic_path(labels_path(recording)) as part, part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([[LABELS], COLUMNS, *ordered])


def class_of_name(path: Path) -> str | None:
    """The class that the words of a file's name name; None where none does. Raises DataError where several do."""
    words = re.findall(r"[^\W\d_]+", printable(path.stem).casefold())
    found = [name for base in BASES for name in load_card(base).classes if name.casefold() in words]
    if len(found) > 1:
        remedy = "Rename the file, or label stretches of it."
        raise DataError(file=path, expected="one activity in its name", found=", ".join(found), remedy=remedy)
    return found[0] if found else None


def whole_file(path: Path) -> Stretch | None:
    """All of a recording without labels of its own, as the activity that its name names. Raises as `class_of_name`."""
    name = None if labels_path(path).exists() else class_of_name(path)
    return Stretch(0.0, math.inf, name) if name else None


def labelled_files(folder: Path | None = None) -> dict[Path, tuple[Stretch, ...]]:
    """Your recordings and their stretches: those saved, else the whole of a file that is named after an activity."""
    labelled = {}
    for path in recording_files(folder or recordings_folder()):
        if stretches := read_labels(path) or tuple(filter(None, [whole_file(path)])):
            labelled[path] = stretches
    return labelled


def base_name(name: str, folder: Path | None = None) -> str:
    """The data set that "mine" adds you to, chosen by your labels; another name as it is. Raises DataError."""
    if name != NAME:
        return name
    folder = folder or recordings_folder()
    labels = {stretch.label for stretches in labelled_files(folder).values() for stretch in stretches}
    fitting = [base for base in BASES if labels and labels <= set(load_card(base).classes)]
    if fitting:
        return fitting[0]
    expected = " or ".join(f"activities of {base} alone ({', '.join(load_card(base).classes)})" for base in BASES)
    found = ", ".join(sorted(labels)) or f"{len(recording_files(folder))} recordings, none of them labelled"
    remedy = f"Record {WHAT_TO_RECORD} and label it in notebook 02, part 'Your own phone'."
    raise DataError(file=folder, expected=expected, found=found, remedy=remedy)


def read_recording(path: Path, rate_hz: float) -> OwnRecording:
    """load_own_recordings, once for each state of the file."""
    return _read(path, rate_hz, state_of(path))


@functools.lru_cache(maxsize=64)
def _read(path: Path, rate_hz: float, state: tuple[int, int]) -> OwnRecording:
    return load_own_recordings(path, rate_hz)


def end_of(recording: OwnRecording) -> float:
    """Seconds from the file's first reading to its last, gaps included."""
    start, signal = recording.pieces[-1]
    return start + len(signal) / recording.rate_hz


def load_my_recordings(folder: Path | None = None, first: int = 0, trim_s: float = TRIM_S) -> tuple[Recording, ...]:
    """Your labelled stretches without their first and last `trim_s`, numbered from `first`; a gap cuts one in two, and
    pieces below a second are left out.
    """
    card = load_card(base_name(NAME, folder))
    rate, found = card.contract.rate_hz, list[Recording]()
    for path, stretches in labelled_files(folder).items():
        own = read_recording(path, rate)
        for start, end, label in stretches:
            if end < math.inf:
                check_stretches([Stretch(start, end, label)], labels_path(path), seconds=end_of(own))
            for began, signal in own.pieces:
                last = min(end, end_of(own)) - trim_s - began
                part = signal[max(round((start + trim_s - began) * rate), 0) : max(round(last * rate), 0)]
                if len(part) >= rate:  # a second
                    found.append(Recording(first + len(found), part, rate, YOU, label))
    return tuple(found)


def load_mine(folder: Path | None = None, without: int | None = None) -> ActivityData:
    """A data set's people and you, who are number 0. folder: of your recordings. without: one of its people, left out.

    Raises DataError when you have no labelled recordings, labels of two data sets, or too few windows.
    """
    base = BASES[base_name(NAME, folder)]()
    base = base.select(base.users != without) if without is not None else base
    recordings = load_my_recordings(folder, int(base.recordings.max()) + 1)
    yours = windows_of(recordings, base.card) if recordings else base.select(np.arange(0))
    fewest = FEWEST * base.card.contract.readings // base.card.contract.step  # more where windows overlap
    if len(yours) < fewest or len(np.unique(yours.y)) < 2:
        expected = f"at least {fewest} windows of you, of two activities or more"
        counts = [f"{n} of {name}" for name, n in measures.classes(yours).items() if n]
        found = ", ".join([f"{len(yours)} windows", *counts])
        remedy = f"Record and label {WHAT_TO_RECORD}: {', '.join(base.class_names)}."
        raise DataError(file=folder or recordings_folder(), expected=expected, found=found, remedy=remedy)
    starts = yours.starts if base.window_readings else len(base) + np.arange(len(yours))
    return replace(
        base, X=np.concatenate([base.X, yours.X]), y=np.append(base.y, yours.y),
        users=np.append(base.users, yours.users), recordings=np.append(base.recordings, yours.recordings),
        starts=np.append(base.starts, starts),
        card=_card(yours, labelled_files(folder), base.card),
    )  # fmt: skip


def you(data: ActivityData) -> dict[str, Any]:
    """What the statement "you" of the card says."""
    yours = data.select(data.users == YOU)
    return {"windows": len(yours), "stretches": len(np.unique(yours.recordings)), **measures.classes(yours)}


def few(data: ActivityData) -> dict[str, Any]:
    """What the statement "few" of the card says."""
    counts = measures.classes(data.select(data.users == YOU))
    return {"few": [name for name, n in counts.items() if n < FEWEST_OF_CLASS], "enough": FEWEST_OF_CLASS}


STATEMENTS = {"you": you, "few": few, "one-session": lambda data: {"person": YOU}}


def _card(yours: ActivityData, files: Mapping[Path, Sequence[Stretch]], card: DataCard) -> DataCard:
    """The data set's card, which now says that one person is you, and what your recordings cannot show."""
    each = ", ".join(f"{name} {{{name}}}" for name in yours.class_names)
    text = f"Person 0 is you: {{windows}} windows in {{stretches}} stretches, {each}. The rest is about everybody else."
    facts, defects = (Statement("you", text, you(yours)), *card.facts), card.defects
    if (lacking := few(yours))["few"]:
        text = f"Fewer than {{enough}} windows of you show {{few}}. Record {WHAT_TO_RECORD}: else no model learns it."
        defects = (Statement("few", text, lacking), *defects)
    title, who, unseen = f"{card.title}, and you", f"{card.who}. And you, number {YOU}", card.unseen_split
    if 1 in (sum(name in {s.label for s in stretches} for stretches in files.values()) for name in card.classes):
        text = (
            "Some activities of yours (person {person}) are in one file only: a test can ask about another stretch of "
            "its time, not about another day. Record again on another day: that shows whether the gain lasts till then."
        )
        defects, unseen = (Statement("one-session", text, {"person": YOU}), *defects), "blocked"
    return replace(card, title=title, who=who, facts=facts, defects=defects, unseen_split=unseen)


def write_as_phone(recordings: Sequence[Recording], path: Path, rate_hz: float = 100.0) -> None:
    """Recordings, one after the other, as one file that phyphox might export, with their labels beside it: to try all
    of this without a phone. Raises DataError rather than write over a file.
    """
    from scipy.interpolate import CubicSpline  # here, not above: only this needs it

    if path.exists() or labels_path(path).exists():
        raise DataError(file=path, expected="a new file", found="one of that name", remedy="Choose another name.")
    signals, stretches, now = [], list[Stretch](), 0
    for recording in recordings:
        times = np.arange(len(recording.signal)) / recording.rate_hz
        signals.append(CubicSpline(times, recording.signal)(np.arange(0, times[-1], 1 / rate_hz)))
        start, now = now, now + len(signals[-1])
        stretches.append(Stretch(start / rate_hz, now / rate_hz, recording.class_name))
    table = np.column_stack([np.arange(now) / rate_hz, np.concatenate(signals)])
    names = ("Time (s)", *(f"Acceleration {axis} (m/s^2)" for axis in "xyz"))
    with atomic_path(path) as part:
        np.savetxt(part, table, "%.9E", ",", header=",".join(f'"{name}"' for name in names), comments="")
    write_labels(path, stretches, [stretch.label for stretch in stretches], now / rate_hz)
