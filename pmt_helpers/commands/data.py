"""`python -m pmt_helpers data list|fetch|check`: what data there is, getting it, and holding it to its card."""

import sys

import click

from pmt_helpers.datasets import DataError, check_card, dataset_names, load_activity, load_card
from pmt_helpers.datasets.registry import ACTIVITY, activity_dataset


@click.group()
def data() -> None:
    """List, fetch and check the datasets."""


@data.command(name="list")
def list_() -> None:
    """Show every dataset: task, size, and where it is on this machine."""
    line = "{:<6} {:<8} {:>7} {:>5} {:>8}  {:<45} {}".format
    click.echo(line("name", "present", "windows", "users", "size", "task", "where"))
    for name, dataset in ACTIVITY.items():
        card, path = load_card(name), dataset.find()
        stated = card.stated("size")
        remedy = f"run `python -m pmt_helpers data fetch {name}`" if dataset.fetch else "install the seglearn package"
        size = f"{path.stat().st_size / 1e6:.1f} MB" if path else "-"
        present = "yes" if path else "no"
        click.echo(line(name, present, f"{stated['windows']:,}", stated["users"], size, card.title, path or remedy))


@data.command()
@click.argument("name", type=click.Choice(dataset_names()))
def fetch(name: str) -> None:
    """Download a dataset once into PMT_DATA_HOME (default: your cache folder) and verify it."""
    dataset = activity_dataset(name)
    try:
        if dataset.fetch is None:
            load_activity(name)
            click.echo(f"{name} comes with an installed package: nothing to fetch.")
        else:
            click.echo(f"{name} is here and verified: {dataset.fetch()}")
    except DataError as error:
        raise click.ClickException(str(error)) from error


@data.command()
@click.argument("name", type=click.Choice(dataset_names()), required=False)
def check(name: str | None) -> None:
    """Measure again every number and every defect that a data card states.

    Without NAME, checks each dataset that is present. Exit code 1 when anything differs.
    """
    names = [name] if name else [each for each in dataset_names() if ACTIVITY[each].find()]
    all_agree = True
    for each in names:
        try:
            table = check_card(load_activity(each))
        except DataError as error:
            raise click.ClickException(str(error)) from error
        verdicts = table["ok"].map({True: "ok", False: "DIFFERS"}).fillna("not checked")
        for row, verdict in zip(table.itertuples(), verdicts, strict=True):
            click.echo(f"{each}: {row.what}\n    stated: {row.stated}\n    found:  {row.found}\n    {verdict}")
        counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.value_counts().items())
        click.echo(f"{each}: {len(table)} statements: {counts}\n")
        all_agree &= not (verdicts == "DIFFERS").any()
    sys.exit(0 if all_agree else 1)
