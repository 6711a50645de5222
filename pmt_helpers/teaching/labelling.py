"""Label stretches of your own recordings, and try them where there are none. Notebook 02. Nothing here is sent."""

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from pmt_helpers.datasets import DataError, load_activity, load_card, load_recordings, mine
from pmt_helpers.datasets.files import atomic_path, printable
from pmt_helpers.teaching.display import Shown, say
from pmt_helpers.teaching.widgets import choice_buttons, spoken

if TYPE_CHECKING:
    from pmt_helpers.datasets import ActivityData

UPLOAD_MB = 7  # of a larger file Jupyter's connection brings nothing
_NARROW, _SHORT = {"width": "96%", "max_width": "500px"}, {"width": "200px"}


def keep_recording(name: str, content: bytes) -> Path:
    """Check a recording and keep it in my_recordings under its name, or with a number behind it if that is taken.

    Raises DataError when it cannot be read.
    """
    bare = printable(PurePosixPath(PureWindowsPath(name).name).name)
    folder = mine.recordings_folder()
    hidden = bare.startswith(".") or bare.endswith(mine.LABELS_SUFFIX) or not bare.isprintable()
    if Path(bare).suffix.lower() not in mine.SUFFIXES or hidden:
        expected = f"a recording: {', '.join(mine.SUFFIXES)}"
        remedy = "Export it as the app's .zip or .csv."
        raise DataError(file=name, expected=expected, found=repr(bare[:80]), remedy=remedy)
    path, number = folder / bare, 1
    while path.exists() and path.read_bytes() != content:
        number += 1
        path = folder / f"{Path(bare).stem} {number}{Path(bare).suffix}"
    if not path.exists():
        with atomic_path(path) as part:
            part.write_bytes(content)
            try:
                mine.load_own_recordings(part)
            except DataError as error:
                raise error.about(name) from None
    return path


def label_recording() -> Shown:
    """Draw a recording, and label stretches of it: from, to and activity. Each change is saved at once, beside it.

    A menu offers the recordings in the folder my_recordings, and a button uploads more.
    """
    import ipywidgets

    from pmt_helpers.teaching import figures

    folder = mine.recordings_folder()
    menu = ipywidgets.Dropdown(description="recording", layout=_NARROW)
    upload = ipywidgets.FileUpload(multiple=True, description="Upload a recording", layout=_SHORT)
    about, output, saved = ipywidgets.HTML(), ipywidgets.Output(), ipywidgets.VBox()
    slider = ipywidgets.FloatRangeSlider(
        step=0.1, description="stretch", continuous_update=False, readout_format=".1f", layout=_NARROW
    )
    start, end = (ipywidgets.BoundedFloatText(step=0.1, description=word, layout=_SHORT) for word in ("from s", "to s"))
    activity = ipywidgets.Dropdown(description="activity", layout=_NARROW)
    add = ipywidgets.Button(description="Add this stretch", layout=_SHORT)
    row = ipywidgets.HBox([start, end], layout={"flex_flow": "row wrap"})
    controls = ipywidgets.VBox([output, slider, spoken(slider, "stretch"), row, activity, add, saved])

    def tell(*lines: object) -> None:
        style = "line-height: 1.4; white-space: pre-wrap"
        about.value = "".join(f'<p style="{style}">{escape(str(line))}</p>' for line in lines)

    @contextmanager
    def told() -> Iterator[None]:
        try:
            yield
        except DataError as error:
            tell(error)
        except OSError as error:
            tell(f"{folder} cannot be used ({error.strerror}). Set PMT_RECORDINGS to a folder that you can write to.")

    def read() -> tuple[Any, list[mine.Stretch]]:
        return mine.read_recording(menu.value, 50.0), list(mine.read_labels(menu.value))

    def offer() -> None:
        try:
            bases = [mine.base_name(mine.NAME)]  # what is labelled already decides what else can be
        except DataError:
            bases = list(mine.BASES)
        names = {name: long for base in bases for name, long in load_card(base).classes.items()}
        options = tuple((name if name == long else f"{name}: {long}", name) for name, long in names.items())
        if options != activity.options:  # else a choice made meanwhile would be taken back
            chosen = activity.value if activity.value in names else next(iter(names))
            activity.options, activity.value = options, chosen

    def show(*_: Any) -> None:
        offer()
        controls.layout.display, saved.children = "none", ()
        if menu.value is None:
            return tell(f"No recording is in {folder} yet. Upload one, or drop it into that folder and run this again.")
        with told():
            own, stretches = read()
            last = math.floor(10 * mine.end_of(own)) / 10  # a step of the slider
            slider.max = start.max = end.max = last
            slider.value = (stretches[-1].to_s if stretches and stretches[-1].to_s < last else 0.0, last)
            controls.layout.display = None
            slid()
            whole = mine.whole_file(menu.value)
            by_name = (
                [f"By its name all of it is {whole.label}. A stretch that you add replaces this."] if whole else []
            )
            if whole and whole.label in dict(activity.options).values():
                activity.value = whole.label
            tell(f"{own.app}, {own.seconds:.0f} s at {own.native_hz:.0f} readings a second.", *own.notes, *by_name)
            removes = [f"{s.label}, {s.from_s:.1f} to {s.to_s:.1f} s: take it out" for s in stretches]
            buttons = choice_buttons(removes, None, lambda text: change(stretches[removes.index(text)]))
            saved.children = [buttons] if removes else []

    def change(remove: mine.Stretch | None = None) -> None:
        with told():
            own, stretches = read()
            if remove is None:
                stretches.append(mine.Stretch(start.value, end.value, activity.value))
            elif remove in stretches:  # else another notebook has taken it out
                stretches.remove(remove)
            mine.write_labels(menu.value, stretches, tuple(dict(activity.options).values()), mine.end_of(own))
            show()

    def refresh(chosen: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        files = mine.recording_files(folder)
        menu.options = [(printable(file.name), file) for file in files]
        menu.value = chosen or next(iter(files), None)
        show()

    def keep(changed: dict[str, Any]) -> None:
        with told():
            kept, problems = None, []
            for file in changed["new"]:
                try:
                    kept = keep_recording(str(file["name"]), bytes(file["content"]))
                except DataError as error:  # the other files are kept
                    problems.append(error)
            if kept:
                refresh(kept)
            if problems:
                tell(*problems)

    def typed(_: Any) -> None:
        if start.value <= end.value:
            slider.value = (start.value, end.value)

    def slid(_: Any = None) -> None:
        start.value, end.value = slider.value
        output.outputs = figures.recording(*read(), slider.value).outputs()

    slider.observe(slid, names="value")
    for box in (start, end):
        box.observe(typed, names="value")
    add.on_click(lambda _: change())
    upload.observe(keep, names="value")
    with told():
        refresh()
    menu.observe(show, names="value")
    note = ipywidgets.HTML(f"<p>Up to {UPLOAD_MB} MB; drop a larger file into {escape(str(folder))}.</p>")
    sentence = (
        "When the cell is run, your recording is drawn here. Choose a stretch and its activity; it is saved beside the "
        "recording, on this machine only."
    )
    return Shown(ipywidgets.VBox([menu, upload, note, about, controls]), sentence)


def own_or_played(person: int) -> "ActivityData":
    """load_activity("mine"); as long as that cannot be, and it says why, a person of the watch plays you.

    Their recordings are written as a phone's file into a temporary folder and read as yours would be, and nobody else's
    model is trained on them.
    """
    try:
        data, who = load_activity(mine.NAME), "Person 0 is you."
    except DataError as error:
        everybody = load_recordings("watch")
        person = person if any(recording.user == person for recording in everybody) else everybody[0].user
        with tempfile.TemporaryDirectory() as folder:
            recordings = [recording for recording in everybody if recording.user == person]
            mine.write_as_phone(recordings, Path(folder) / "played.csv")
            data = mine.load_mine(Path(folder), without=person)
        who = (
            f"Person {person} of the watch plays you, through a file as a phone's app writes it: you cannot be the "
            f"person yet. {Path(error.file).name}: {error.found}. {error.remedy}"
        )
    say(who, *(str(statement) for statement in data.card.defects if statement.id in mine.STATEMENTS))
    return data
