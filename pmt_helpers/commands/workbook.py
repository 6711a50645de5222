"""python -m pmt_helpers doctor: what works on this machine, and what to do about the rest."""

import os
from collections import Counter
from pathlib import Path

import click

from pmt_helpers.datasets import activity_names, load_activity, mine
from pmt_helpers.teaching import surroundings, trial_run
from pmt_helpers.teaching.progress import progress_lines
from pmt_helpers.teaching.workbook_file import FILE_NAME, Workbook, workbook_path

_SIGNS = {"ok": "ok", "warn": "note", "stop": "STOP"}


def everything() -> list[surroundings.Finding]:
    """All that the doctor looks at, in the order shown."""
    from pmt_helpers.datasets import dataset_names

    return [
        surroundings.check_python(),
        surroundings.check_cores(),
        surroundings.check_memory(),
        surroundings.check_backend(),
        *surroundings.check_packages(),
        *(_by_need(name, surroundings.check_data(name)) for name in dataset_names()),
        *surroundings.check_extensions(),
        surroundings.check_folder(_notebooks()),
        trial_run.check_libraries(),
        trial_run.check_kernel(),
        trial_run.check_names(_notebooks()),
        surroundings.check_chromium(),
    ]


def _notebooks() -> Path:
    """Where the notebooks run, and so where a learner's file is."""
    folder = Path(__file__).resolve().parents[2] / "notebooks"
    return folder if folder.is_dir() else Path.cwd()


def _by_need(name: str, finding: surroundings.Finding) -> surroundings.Finding:
    """Data fetched on request may be absent: worth a note, no reason to stop."""
    from pmt_helpers.datasets.registry import dataset

    if finding.state != "stop" or dataset(name).fetch is None:
        return finding
    return surroundings.Finding(finding.what, "not here; nothing needs it by default", "warn", finding.remedy)


@click.command()
def doctor() -> None:
    """Show what works on this machine; exit with 1 if something stops the workbook."""
    findings = everything()
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        click.echo(f"{_SIGNS[finding.state]:<5} {finding.what:<{width}}  {finding.found}")
        if finding.remedy:
            click.echo(f"{'':<5} {'':<{width}}  {finding.remedy}")
    stops = [finding.what for finding in findings if finding.state == "stop"]
    if stops:
        click.echo(f"\nThe workbook cannot run yet: {', '.join(stops)}.")
        raise SystemExit(1)
    click.echo("\nReady for the workbook. Your progress:")
    folder = _notebooks()
    own = workbook_path() if "PMT_WORKBOOK_FILE" in os.environ else folder / FILE_NAME
    for line in progress_lines(Workbook(own)):
        click.echo(f"  {line}")


@click.group()
def notebooks() -> None:
    """Build the notebooks from their sources, and verify the stored ones."""


@notebooks.command()
@click.argument("names", nargs=-1)
@click.option("--solutions/--no-solutions", default=True, help="Also build the solved copies, in build/solutions.")
@click.option("--solutions-only", is_flag=True, help="Build the solved copies and leave the notebooks folder alone.")
@click.option("--png/--no-png", default=True, help="Draw a picture beside each figure (needs Chromium or Chrome).")
@click.option("--force", is_flag=True, help="Overwrite a learner's copy even where somebody has worked in it.")
def build(names: tuple[str, ...], solutions: bool, solutions_only: bool, png: bool, force: bool) -> None:
    """Build the learner's copies of NAMES (such as 01; all by default)."""
    from pmt_helpers.workbook.build import build_notebooks

    solutions |= solutions_only
    build_notebooks(names, learner=not solutions_only, solutions=solutions, png=png, force=force, report=click.echo)


@notebooks.command()
def verify() -> None:
    """Check the stored notebooks against their sources, without running them."""
    from pmt_helpers.workbook.verify import verify_notebooks

    findings = verify_notebooks()
    for finding in findings:
        click.echo(str(finding))
    if findings:
        raise click.ClickException(f"{len(findings)} finding{'s' * (len(findings) > 1)} in the stored notebooks.")
    click.echo("Every stored notebook agrees with its source.")


@click.command()
def claims() -> None:
    """Print the claims table; exit with 1 when a verdict is not the one its reason was written for."""
    from pmt_helpers.teaching.claims import UNMEASURED, claims_table

    table = claims_table()
    click.echo(repr(table))
    counts = Counter(item.verdict for item in table.judged)
    click.echo("\n" + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) + ".")
    wrong = [item for item in table.judged if not item.agrees]
    for item in wrong:
        click.echo(
            f"{item.claim.id}: data/claims.csv says '{item.claim.verdict}', computed '{item.verdict}'. Rewrite its "
            "reason for the new verdict, then change the verdict.",
            err=True,
        )
    if any(item.verdict == UNMEASURED for item in table.judged):
        click.echo("Values not measured yet need a stored grid: see python -m pmt_helpers sweep --help.")
    if wrong:
        raise SystemExit(1)


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("build"), show_default=True,
    help="Folder for the executed notebooks, their web pages (index.html) and summary.csv.",
)  # fmt: skip
@click.option(
    "--dataset",
    type=click.Choice([*activity_names(), mine.NAME]),
    help="Activity data to use (wisdm: fetch it first; mine: label it first).",
)
def run(names: tuple[str, ...], out: Path, dataset: str | None) -> None:
    """Execute the notebooks NAMES (such as 01; all by default) and say how long each took and how much memory."""
    from pmt_helpers.datasets.files import check_writable

    check_writable(out)
    if dataset == mine.NAME:
        load_activity(dataset)  # says what is missing, before anything runs
        os.environ["PMT_RECORDINGS"] = str(mine.recordings_folder())
    from pmt_helpers.workbook.files import learner_paths
    from pmt_helpers.workbook.run import run_notebooks

    runs = run_notebooks(
        learner_paths(names), out, parameters={"DATASET": dataset} if dataset else None, report=click.echo
    )
    click.echo(f"Written to {out}: executed notebooks, web pages (open index.html), summary.csv.")
    failed = [result.notebook for result in runs if result.failure]
    if failed:
        raise click.ClickException(f"{len(failed)} of {len(runs)} notebooks stopped: {', '.join(failed)}.")


@click.command()
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("build"), show_default=True,
    help="Folder of a run, with its summary.csv.",
)  # fmt: skip
def pages(out: Path) -> None:
    """Write the web pages of the last run again, from its executed notebooks; nothing is executed."""
    from pmt_helpers.workbook.pages import write_site
    from pmt_helpers.workbook.run import sound_runs

    write_site(out, sound_runs(out))
    click.echo(f"Written: open {out / 'index.html'}.")


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("build/slides"), show_default=True,
    help="Folder for the slides.",
)  # fmt: skip
def slides(names: tuple[str, ...], out: Path) -> None:
    """Write slides of the stored notebooks NAMES (such as 01; all by default), to show in a browser, offline."""
    from pmt_helpers.datasets.files import check_writable
    from pmt_helpers.workbook.files import learner_paths
    from pmt_helpers.workbook.slides import write_slides

    check_writable(out)
    for path, count in write_slides([path for path in learner_paths(names) if path.stem != "glossary"], out):
        click.echo(f"{path}: {count} slides")
