"""python -m pmt_helpers data list, fetch and check: what data there is, getting it, and checking it by its card."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from pmt_helpers.datasets import DataError, check_card, dataset_names, load_card
from pmt_helpers.datasets.mine import labelled_files, labels_path, load_my_recordings, recordings_folder, write_as_phone
from pmt_helpers.datasets.registry import dataset


@click.group("data")
def data_group() -> None:
    """List, fetch and check the datasets."""


@data_group.command(name="list")
def list_datasets() -> None:
    """Show every dataset: what it holds, and where it is on this machine."""
    line = "{:<9} {:<7} {:<31} {:>7}  {:<61} {}".format
    click.echo(line("name", "present", "holds", "size", "title", "where"))
    for name in dataset_names():
        entry, card = dataset(name), load_card(name)
        path = entry.find()
        size = f"{path.stat().st_size / 1e6:.1f} MB" if path else "-"
        get = (
            f"run `python -m pmt_helpers data fetch {name}`" if entry.fetch else f"install the {entry.package} package"
        )
        click.echo(line(name, "yes" if path else "no", _holds(card.stated("size")), size, card.title, path or get))
    n, title = len(labelled_files()), "Your own phone: you, among the people of watch or wisdm"
    click.echo(line("mine", "yes" if n else "no", f"{n} labelled recordings", "-", title, recordings_folder()))


def _holds(size: Mapping[str, Any]) -> str:
    """The size that a card states, in a few words."""
    if "windows" in size:
        return f"{size['windows']:,} windows of {size['users']} people"
    return f"{size['documents']:,} documents, {size['words']:,} words"


@data_group.command()
@click.argument("name", type=click.Choice(dataset_names()))
def fetch(name: str) -> None:
    """Download a dataset once into PMT_DATA_HOME (default: your cache folder) and verify it."""
    entry = dataset(name)
    try:
        if entry.fetch is None:
            entry.load()
            click.echo(f"{name} is installed with the workbook: nothing to fetch.")
        else:
            click.echo(f"{name} is here and verified: {entry.fetch()}")
    except DataError as error:
        raise click.ClickException(str(error)) from error


@data_group.command()
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
def export_mine(out: Path) -> None:
    """Write your labelled recordings to OUT (.csv), labels beside it, without times of day and places: to pass on."""
    recordings = load_my_recordings(trim_s=0.0)  # whoever reads them trims them
    write_as_phone(recordings, out, recordings[0].rate_hz)
    click.echo(f"Wrote {out} and {labels_path(out).name}: {len(recordings)} stretches, without a time of day.")


@data_group.command()
@click.argument("name", type=click.Choice([*dataset_names(), "mine"]), required=False)
def check(name: str | None) -> None:
    """Measure every number and every defect that a data card states again.

    Without NAME, checks each dataset that is present. Exit code 1 when anything differs.
    """
    present = [name] if name else [name for name in (*dataset_names(), "mine") if dataset(name).find()]
    all_agree = True
    for name in present:
        try:
            table = check_card(dataset(name).load())
        except DataError as error:
            raise click.ClickException(str(error)) from error
        verdicts = table["ok"].map({True: "ok", False: "DIFFERS"}).fillna("not checked")
        for row, verdict in zip(table.itertuples(), verdicts, strict=True):
            click.echo(f"{name}: {row.what}\n    stated: {row.stated}\n    found:  {row.found}\n    {verdict}")
        counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.value_counts().items())
        click.echo(f"{name}: {len(table)} statements: {counts}\n")
        all_agree &= not (verdicts == "DIFFERS").any()
    sys.exit(0 if all_agree else 1)
