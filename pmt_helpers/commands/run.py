"""`python -m pmt_helpers run`: the whole workbook from top to bottom, or some of it, without opening JupyterLab."""

from pathlib import Path

import click


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build"),
    show_default=True,
    help="Folder for the executed notebooks, their web pages and summary.csv.",
)
@click.option("--dataset", type=click.Choice(["watch", "wisdm"]), help="Activity data to use (wisdm: fetch it first).")
def run(names: tuple[str, ...], out: Path, dataset: str | None) -> None:
    """Execute the notebooks NAMES (such as 01; all by default) and say how long each took and how much memory."""
    from pmt_helpers.teaching.notebook_files import learner_paths
    from pmt_helpers.teaching.runner import run_notebooks

    runs = run_notebooks(
        learner_paths(names), out, parameters={"DATASET": dataset} if dataset else None, report=click.echo
    )
    click.echo(f"Written to {out}: executed notebooks, web pages, summary.csv.")
    failed = [result.notebook for result in runs if result.failure]
    if failed:
        raise click.ClickException(f"{len(failed)} of {len(runs)} notebooks stopped: {', '.join(failed)}.")
