"""python -m pmt_helpers sweep: one command for each experiment of `experiments.catalogue`."""

import time
from pathlib import Path
from typing import Any

import click

from pmt_helpers.experiments.catalogue import EXPERIMENTS, Experiment

WORK_FOLDER = Path("build/sweep")
OUT = click.Option(
    ["--out"], type=click.Path(path_type=Path), help="Folder for the result.", show_default="data/results"
)
WORKERS = click.Option(
    ["--workers"], type=click.IntRange(1), default=2, show_default=True, help="Processes side by side."
)
DASK = click.Option(
    ["--dask"], metavar="ADDRESS", help="Compute on this Dask cluster instead, such as tcp://127.0.0.1:8786."
)
WORK = click.Option(
    ["--work"], type=click.Path(path_type=Path), default=WORK_FOLDER, show_default=True,
    help="Folder for the results of single jobs: a stopped sweep goes on where it was.",
)  # fmt: skip
RUNS = {"here": (OUT,), "processes": (WORKERS, OUT), "cluster": (WORKERS, DASK, OUT, WORK)}


@click.group("sweep")
def sweep_group() -> None:
    """Compute a stored result again; where its numbers come from is written beside it."""


def sweep_command(experiment: Experiment) -> click.Command:
    """The command of one experiment."""

    def run(
        out: Path | None, workers: int = 1, dask: str | None = None, work: Path = WORK_FOLDER, **settings: Any
    ) -> None:
        from pmt_helpers.datasets.files import shipped
        from pmt_helpers.experiments.results import check_writable
        from pmt_helpers.experiments.resume import JobRunner

        folder = out or shipped("results")
        check_writable(folder)
        started = time.perf_counter()
        for result in experiment.function(JobRunner(work, workers, dask), **settings):
            seconds = time.perf_counter() - started
            for path in result.write(folder, experiment.command({**settings, **result.settings}), seconds):
                click.echo(path)
            if result.settings:  # the command of the next one computes that one alone
                started = time.perf_counter()

    params: list[click.Parameter] = [*experiment.options, *RUNS[experiment.runs]]
    return click.Command(experiment.name, callback=run, params=params, help=experiment.help)


for experiment in EXPERIMENTS:
    sweep_group.add_command(sweep_command(experiment))
