"""python -m pmt_helpers profile: record what training costs here, or write the file that a Pi runs."""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import click

from pmt_helpers.device import pi_profile
from pmt_helpers.device.pi_profile import KERNELS, ORIGINS, Recorder, Sensors, origin_here

_NEEDS = {"numba": "numba", "jax": "jax", "keras_fit": "keras", "keras_batch": "keras"}


class Numbers(click.ParamType):
    """Whole numbers from 1 to `most`, with commas between."""

    name = "n,n,..."

    def __init__(self, most: float = float("inf")) -> None:
        self.most = most

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        words = str(value).split(",")
        if not all(word.strip().isdecimal() and 1 <= int(word) <= self.most for word in words):
            upto = f" from 1 to {self.most}" if self.most < float("inf") else ""
            self.fail(f"{value!r} is no list of whole numbers{upto} such as 20,40,80", param, ctx)
        return tuple(map(int, words))


@click.command("profile")
@click.option("--task", type=click.Choice(["activity", "topics"]), default="activity", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The log, a new file; - to print it.")
@click.option("--origin", type=click.Choice(ORIGINS), help="Default: what this machine says of itself.")
@click.option(
    "--kernel",
    type=click.Choice(["numpy", "numba", "python", "jax", "keras_fit", "keras_batch"]),
    default="numpy",
    show_default=True,
    help="python is for topics; jax and the two of Keras for activity.",
)
@click.option("--dataset", help="Default: watch, or wikipedia.")
@click.option("--samples", type=Numbers(), default="20,40,80,160", show_default=True, help="Windows to train on.")
@click.option("--epochs", type=click.IntRange(1), default=20, show_default=True, help="numba, jax: at least 1000.")
@click.option("--documents", type=Numbers(), default="10,20,30,40", show_default=True, help="Documents to sample.")
@click.option("--percents", type=Numbers(100), default="25,50,75", show_default=True, help="Of the vocabulary.")
@click.option("--iterations", type=click.IntRange(1), default=5, show_default=True)
@click.option("--note", help="What a reader of the log should know.")
@click.option("--export", "one_file", type=click.Path(path_type=Path, dir_okay=False), help="Write pi_profile.py.")
def record_profile(
    task: str,
    out: Path | None,
    origin: str | None,
    kernel: str,
    dataset: str | None,
    samples: tuple[int, ...],
    epochs: int,
    documents: tuple[int, ...],
    percents: tuple[int, ...],
    iterations: int,
    note: str | None,
    one_file: Path | None,
) -> None:
    """Record a log of what training costs on this machine (schema pi-profile/1).

    With --export, write pi_profile.py instead: one file that records a log where there is only Python and NumPy.
    """
    from pmt_helpers.datasets.files import atomic_path, check_writable

    if one_file is not None:
        if one_file.exists() and not _is_edition(one_file):
            raise click.UsageError(f"{one_file} is there already, and is no pi_profile.py: choose another name")
        check_writable(one_file.parent)
        with atomic_path(one_file) as temporary:
            shutil.copyfile(pi_profile.__file__, temporary)
        click.echo(f"Wrote {one_file}: copy it to the Pi, and run python3 {one_file.name} --out log.jsonl there")
        return
    if out is None:
        raise click.UsageError("say --out log.jsonl, or --export pi_profile.py")
    if str(out) != "-" and (out.exists() or out.is_symlink()):
        raise click.UsageError(f"{out} is there already, and a log is never written over: choose another name")
    if kernel not in KERNELS[task]:
        raise click.UsageError(f"--task {task} has the kernels {', '.join(KERNELS[task])}")
    needed = _NEEDS.get(kernel, "numpy")
    if importlib.util.find_spec(needed) is None:
        raise click.UsageError(f"--kernel {kernel} needs the package {needed}, which is not installed")
    if str(out) != "-":
        check_writable(out.parent)
    _record(
        task,
        kernel,
        out,
        origin,
        note,
        dataset=dataset,
        samples=samples,
        epochs=max(epochs, 1000) if kernel in ("numba", "jax") else epochs,
        documents=documents,
        percents=percents,
        iterations=iterations,
    )


def _is_edition(path: Path) -> bool:
    """Whether an earlier or the same pi_profile.py lies there. A device or a pipe is not even opened."""
    first_words = f'"""{(pi_profile.__doc__ or "").partition(",")[0]}'.encode()
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(first_words)) == first_words


def _record(task: str, kernel: str, out: Path, origin: str | None, note: str | None, **options: Any) -> None:
    from tqdm.auto import tqdm

    from pmt_helpers.datasets import DataError

    sensors = Sensors()
    dataset = options["dataset"] or ("watch" if task == "activity" else "wikipedia")
    note = f"data set: {dataset}" + (f"; {note}" if note else "")
    steps = len(options["samples"]) + 1 if task == "activity" else len(options["documents"]) + len(options["percents"])
    try:
        with (
            tqdm(total=steps, desc=f"{task}, {kernel}") as bar,
            Recorder(out, origin or origin_here(sensors), note=note, task=task, readings=sensors) as recorder,
        ):
            with recorder.span("import", task=task, kernel=kernel):
                from pmt_helpers.device import workloads

                workloads.import_kernel(task, kernel)
            workloads.record_kernel(recorder, task, kernel, progress=lambda _: bar.update(), **options)
    except DataError:  # nothing is measured yet: the same name can be given again
        if str(out) != "-":
            out.unlink(missing_ok=True)
        raise
    except OSError as error:  # the disk may fill during a recording; Python does not say which file
        raise OSError(error.errno, error.strerror, str(out)) from error
    if str(out) == "-":
        return
    from pmt_helpers.device.logs import read_log

    log = read_log(out)
    click.echo(f"Wrote {out}: {log.origin}, {len(log.spans)} spans, {len(log.samples)} samples")
