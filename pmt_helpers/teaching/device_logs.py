"""Logs of a device: replayed with a play button, and logs of your own, uploaded and kept. Notebook 06."""

import html
import math
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import MB, atomic_path, data_home, printable, shipped
from pmt_helpers.teaching.display import Shown, say
from pmt_helpers.teaching.widgets import spoken

if TYPE_CHECKING:
    import pandas as pd

    from pmt_helpers.device.logs import Log, Logs

SPEEDS = (1, 2, 4, 8)  # steps per second
SHORT_S, STEPS = 20, 40  # a log shorter than SHORT_S is replayed in STEPS steps, others second by second
FOLDER = "pi_logs"
MAX_NAME = 120  # bytes
UPLOAD_MB = 7  # Jupyter's connection takes 10 MB, a third of it for the coding; more than that never arrives
_HEADER_LINES = {"model": "board", "cpu": "processor", "task": "task", "utc": "recorded", "python": "Python"}


def replay(log: "Log", curve: "pd.DataFrame | None" = None, size: int | None = None, start: float = 0.0) -> Shown:
    """A play button, a slider of the seconds and one of the speed; the figure shows the log until that second.

    Nothing is trained meanwhile. Tab reaches the buttons and sliders; the sliders move with the arrow keys.

    Parameters
    ----------
    log : from read_log; ValueError for a log without clock, such as the paper's
    curve : accuracy or loss by t_s, epoch or iteration
    size : of several trainings in the log, that on this many windows or documents (default: the most)
    start : the second shown first
    """
    import ipywidgets

    from pmt_helpers.teaching.figures.device_series import obtained
    from pmt_helpers.teaching.figures.replay import curve_by_time, log_duration, moment
    from pmt_helpers.teaching.figures.style import two_digits

    duration = log_duration(log)
    timed = None if curve is None else curve_by_time(log, curve, size)
    step = 1.0 if duration >= SHORT_S else duration / STEPS
    last = math.ceil(duration / step - 1e-9)
    first = min(max(round(start / step), 0), last)
    play = ipywidgets.Play(min=0, max=last, value=first, interval=1000, show_repeat=False, tooltip="replay")
    seconds = ipywidgets.FloatSlider(
        min=0.0,
        max=last * step,
        step=step,
        value=first * step,
        description="seconds",
        readout_format=".0f" if step == 1 else ".2f",
        continuous_update=False,
        layout={"width": "90%", "max_width": "420px"},
    )
    speed = ipywidgets.SelectionSlider(
        options=[(f"{steps} per second", steps) for steps in SPEEDS],
        value=1,
        description="steps",
        continuous_update=False,
        layout={"width": "90%", "max_width": "300px"},
    )
    output = ipywidgets.Output()

    def show(_: Any = None) -> None:
        pace = step * speed.value
        title = "Second by second" if pace == 1 else f"1 s shows {two_digits(pace)} s"
        output.outputs = moment(log, seconds.value, timed, title).outputs()

    def change_speed(change: dict[str, Any]) -> None:
        play.interval = round(1000 / change["new"])
        show()

    ipywidgets.link((play, "value"), (seconds, "value"), (lambda number: number * step, lambda now: round(now / step)))
    seconds.observe(show, names="value")
    speed.observe(change_speed, names="value")
    show()
    replayed = f"replays {duration:.0f} seconds" if step == 1 else f"replays, in slow motion, {duration:.2f} seconds"
    sentence = f"A play button appears here when the cell is run: it {replayed} ({obtained(log.origin)})."
    in_words = [spoken(slider, slider.description) for slider in (seconds, speed)]
    return Shown(ipywidgets.VBox([play, seconds, speed, output, *in_words]), sentence)


def own_folder() -> Path:
    """Where your logs are kept: files dropped there by hand count as well. It may not exist yet."""
    return data_home() / FOLDER


def my_logs() -> "Logs":
    """Shipped logs and your own, by origin: two origins are never one series.

    What cannot be used of your own files is left out, and said with its reason; it is in `.skipped`, too.
    """
    from pmt_helpers.device.logs import Logs, read_logs

    ours = read_logs(shipped(FOLDER))
    usable = [log for logs in ours.values() for log in logs]
    skipped: list[tuple[str, str]] = []
    if own_folder().is_dir():
        own = read_logs(own_folder())
        skipped += own.skipped
        for log in map(_with_task, (log for logs in own.values() for log in logs)):
            reason = _no_training(log)
            skipped += [(printable(log.path.name), reason)] if reason else []
            usable += [] if reason else [log]
    for name, reason in skipped:
        say(f"Left out of your logs: {name}: {reason}.")
    return Logs(usable, skipped)


def _with_task(log: "Log") -> "Log":
    """The log; where it does not say its task, with the one whose sizes it has."""
    sizes = {"activity": "n_samples", "topics": "n_documents"}
    said = log.spans["task"].dropna().unique() if "task" in log.spans else [t for t in sizes if sizes[t] in log.spans]
    if "task" in log.header or len(said) != 1:
        return log
    task = str(said[0])
    spans = log.spans if "task" in log.spans else log.spans.assign(task=task)
    return replace(log, header={**log.header, "task": task}, spans=spans)


def _no_training(log: "Log") -> str:
    """Why a log has nothing that the figures of notebook 06 could show; "" where it has."""
    from pmt_helpers.device.logs import TIMELESS, seconds_of_spans
    from pmt_helpers.device.pi_profile import KERNELS

    if log.origin in TIMELESS:
        return f"its origin is {log.origin}: only what a machine recorded is a log of yours"
    task = log.header.get("task")
    if task not in KERNELS:
        return f"its header says task {task!r}, not one of {', '.join(KERNELS)}"
    spans = log.spans
    train = spans[spans["phase"] == "train"] if len(spans) else spans
    if len(train) == 0:
        return "no training is recorded in it"
    counts = ("n_samples",) if task == "activity" else ("n_documents", "n_words", "n_tokens")
    for name in ("updates", *counts):
        if name not in train or not (train[name] >= 1).all():
            return f"a training of {task} without {name} of 1 or more"
    if not {"task", "kernel"} <= set(train) or not (train["task"].astype(object) == task).all():
        return f"a training that does not say its kernel, or not task {task}"
    kernels = train["kernel"].astype(object)
    unknown = set(kernels.dropna()) - set(KERNELS[task])
    if unknown or kernels.isna().any() or set(spans["kernel"].dropna()) - set(kernels):
        return f"a kernel without training, or none of {', '.join(KERNELS[task])}"
    if not seconds_of_spans(train).sum() > 0:
        return "its trainings took no time"
    return ""


def keep_log(name: str, content: bytes) -> "tuple[Log, bool]":
    """Check a log and keep it in `own_folder` under its name; the log, and whether it is new there.

    A name that is taken by another log gets a number; the same log is kept once. Raises DataError when it is no log.
    """
    from pmt_helpers.device.logs import LARGEST_MB, SUFFIX, read_log

    bare = PurePosixPath(PureWindowsPath(printable(name)).name).name
    wrong = partial(DataError, file=name)
    if len(content) > LARGEST_MB * MB:
        raise wrong(expected=f"at most {LARGEST_MB} MB", found=f"{len(content) / MB:,.0f} MB", remedy="is this a log?")
    plain = bare.isprintable() and not bare.startswith(".") and len(bare.encode()) <= MAX_NAME
    if not plain or not bare.lower().endswith(SUFFIX) or len(bare) == len(SUFFIX):
        expected = f"a name ending in {SUFFIX}, in at most {MAX_NAME} plain letters"
        raise wrong(expected=expected, found=repr(name[:MAX_NAME]), remedy="give it such a name, if it is a log")
    bare = bare[: -len(SUFFIX)] + SUFFIX
    path = own_folder() / bare
    number = 1
    while path.exists():
        if path.is_file() and path.read_bytes() == content:
            return read_log(path), False
        number += 1
        path = own_folder() / f"{bare[: -len(SUFFIX)]}-{number}{SUFFIX}"
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
        try:
            read_log(temporary)
        except DataError as error:
            line = error.file.removeprefix(str(temporary))
            raise error.about(f"{name}{line}") from None
    return read_log(path), True


def own_log() -> Shown:
    """A button to upload logs; each is checked, and kept or refused with its reason."""
    import ipywidgets

    from pmt_helpers.device.logs import SUFFIX

    folder = html.escape(str(own_folder()))
    button = ipywidgets.FileUpload(accept=SUFFIX, multiple=True, description="Upload a log", layout={"width": "200px"})
    results = ipywidgets.HTML(
        f"<p>Up to {UPLOAD_MB} MB: of a larger file nothing arrives, so copy it into {folder}.</p>"
    )

    def keep(change: dict[str, Any]) -> None:
        results.value = "".join(_result(str(file["name"]), bytes(file["content"])) for file in change["new"])

    button.observe(keep, names="value")
    sentence = (
        f"A button appears here when the cell is run. Upload a log ({SUFFIX}) of your own: it is checked, and kept "
        "beside those that come with the workbook."
    )
    return Shown(ipywidgets.VBox([button, results]), sentence)


def _result(name: str, content: bytes) -> str:
    """Whether a log was kept, and what is in it or what is wrong with it, as HTML."""
    try:
        log, new = keep_log(name, content)
    except DataError as error:
        return f"<p><b>Not kept.</b></p><pre>{html.escape(str(error))}</pre>"
    except OSError as error:
        return f"<p><b>Not kept.</b> The folder cannot be written: {html.escape(error.strerror or str(error))}.</p>"
    reason = _no_training(_with_task(log))
    left_out = f" The figures leave it out: {html.escape(reason)}." if reason else ""
    name = html.escape(log.path.name)
    return f"<p><b>{'Kept' if new else 'Already kept'}</b> as {name}.{left_out}</p>{_summary(log)}"


def _summary(log: "Log") -> str:
    """The header's main lines, and how much there is. A header may hold anything: it is escaped."""
    from pmt_helpers.teaching.figures.device_series import obtained

    lines = [("origin", f"{log.origin}: {obtained(log.origin)}"), ("run", log.header["run_id"])]
    lines += [(word, log.header[name]) for name, word in _HEADER_LINES.items() if log.header.get(name)]
    lines += [("records", f"{len(log.spans)} spans, {len(log.samples)} samples")]
    lines += [("note", note) for note in log.notes]
    rows = "".join(f"<tr><td>{word}</td><td>{html.escape(str(text))}</td></tr>" for word, text in lines)
    return f"<table>{rows}</table>"
