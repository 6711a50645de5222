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
    """Whole numbers from 1 on, with commas between."""

    name = "n,n,..."

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        words = str(value).split(",")
        if not all(word.strip().isdecimal() and int(word) for word in words):
            self.fail(f"{value!r} is no list of whole numbers such as 20,40,80", param, ctx)
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
@click.option("--percents", type=Numbers(), default="25,50,75", show_default=True, help="Of the vocabulary.")
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
    if one_file is not None:
        from pmt_helpers.datasets.files import atomic_path

        with atomic_path(one_file) as temporary:
            shutil.copyfile(pi_profile.__file__, temporary)
        click.echo(f"Wrote {one_file}: copy it to the Pi, and run python3 {one_file.name} --out log.jsonl there")
        return
    if out is None:
        raise click.UsageError("say --out log.jsonl, or --export pi_profile.py")
    if out.exists():
        raise click.UsageError(f"{out} is there already, and a log is never written over: choose another name")
    if kernel not in KERNELS[task]:
        raise click.UsageError(f"--task {task} has the kernels {', '.join(KERNELS[task])}")
    needed = _NEEDS.get(kernel, "numpy")
    if importlib.util.find_spec(needed) is None:
        raise click.UsageError(f"--kernel {kernel} needs the package {needed}, which is not installed")
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


def _record(task: str, kernel: str, out: Path, origin: str | None, note: str | None, **options: Any) -> None:
    from tqdm.auto import tqdm

    sensors = Sensors()
    dataset = options["dataset"] or ("watch" if task == "activity" else "wikipedia")
    note = f"data set: {dataset}" + (f"; {note}" if note else "")
    steps = len(options["samples"]) + 1 if task == "activity" else len(options["documents"]) + len(options["percents"])
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        tqdm(total=steps, desc=f"{task}, {kernel}") as bar,
        Recorder(out, origin or origin_here(sensors), note=note, task=task, readings=sensors) as recorder,
    ):
        with recorder.span("import", task=task, kernel=kernel):
            from pmt_helpers.device import workloads

            workloads.import_kernel(task, kernel)
        workloads.record_kernel(recorder, task, kernel, progress=lambda _: bar.update(), **options)
    if str(out) == "-":
        return
    from pmt_helpers.device.logs import read_log

    log = read_log(out)
    click.echo(f"Wrote {out}: {log.origin}, {len(log.spans)} spans, {len(log.samples)} samples")
