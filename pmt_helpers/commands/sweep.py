"""python -m pmt_helpers sweep: one command for each experiment of `experiments.catalogue`."""

import os
import time
from pathlib import Path
from typing import Any

import click

from pmt_helpers.experiments.catalogue import EXPERIMENTS, Experiment

WORK_FOLDER = Path("build/sweep")
FOLDER = click.Path(path_type=Path)
OUT = click.Option(["--out"], type=FOLDER, help="Folder for the result.", show_default="data/results")
WORKERS = click.Option(
    ["--workers"], type=click.IntRange(1), default=2, show_default=True, help="Processes side by side."
)
DASK = click.Option(
    ["--dask"], metavar="ADDRESS", help="Compute on this Dask cluster instead, such as tcp://127.0.0.1:8786."
)
WORK = click.Option(
    ["--work"], type=FOLDER, default=WORK_FOLDER, show_default=True,
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
        from pmt_helpers.datasets import DataError
        from pmt_helpers.datasets.files import check_writable, shipped
        from pmt_helpers.experiments.resume import JobRunner

        folder = out or shipped("results")
        check_writable(folder)
        started = time.perf_counter()
        try:
            for result in experiment.function(JobRunner(work, workers, dask), **settings):
                seconds = time.perf_counter() - started
                for path in result.write(folder, experiment.command({**settings, **result.settings}), seconds):
                    click.echo(path)
                if result.settings:  # the command of the next one computes that one alone
                    started = time.perf_counter()
        except ValueError as error:  # a number that the data cannot give, such as 1,000,000 documents of one person
            if isinstance(error, DataError) or os.environ.get("PMT_DEBUG") == "1":
                raise
            raise click.UsageError(f"{error} (with PMT_DEBUG=1: where)") from error

    params: list[click.Parameter] = [*experiment.options, *RUNS[experiment.runs]]
    return click.Command(experiment.name, callback=run, params=params, help=experiment.help)


for experiment in EXPERIMENTS:
    sweep_group.add_command(sweep_command(experiment))
