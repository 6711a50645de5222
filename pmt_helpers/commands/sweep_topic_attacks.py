"""python -m pmt_helpers sweep topic-attacks: the stored results of attacks on topics, and what privacy costs there.

Topics published with differential privacy are attacked here, since attacks and privacy know nothing of each other.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pmt_helpers.commands.sweep_common import documents_option, pieces_options, seeds_option, store

if TYPE_CHECKING:
    import pandas as pd

from pmt_helpers.experiments.topic_attacks import privacy_piece

GRIDS = ("leak", "membership", "poison", "healing", "privacy")


@click.command("topic-attacks")
@documents_option
@click.option("--grid", "grids", type=click.Choice(GRIDS), multiple=True, default=GRIDS, help="Only this; repeatable.")
@seeds_option(5)
@pieces_options
def topic_attacks(dataset: str, grids: tuple[str, ...], seeds: int, out: Path | None, work: Path, **how: Any) -> None:
    """Word counts read out, membership, crafted documents, and differential privacy for topics."""
    from pmt_helpers.experiments.topic_attacks import KINDS, attack_rows
    from pmt_helpers.experiments.topics import collection

    given = collection(dataset)
    pieces: dict[str, Callable] = {**KINDS, "topic_privacy": privacy_piece}
    for grid in grids:
        kind, started = f"topic_{grid}", time.perf_counter()
        rows = attack_rows(kind, pieces[kind], given, work / f"{kind}_{dataset}", seeds=range(seeds), **how)
        tables = {f"topic_{name}_{dataset}": table for name, table in _tables(grid, rows)}
        text = f"topic-attacks --dataset {dataset} --grid {grid} --seeds {seeds}"
        store(tables, given, text, list(range(seeds)), started, out)


def _tables(grid: str, rows: "pd.DataFrame") -> "Iterator[tuple[str, pd.DataFrame]]":
    """A grid's rows under its name; ROC curves apart, averaged over seeds where all have a point."""
    if grid != "membership":
        yield grid, rows
        return
    yield grid, rows[rows["fpr"].isna()].drop(columns="fpr")
    points = rows[rows["fpr"].notna()]
    curves = points.groupby(["documents", "way", "attack", "fpr"])["tpr"].agg(["mean", "size"])
    whole = curves["size"] == curves.groupby(["documents", "way", "attack"])["size"].transform("max")
    yield "roc", curves.loc[whole, "mean"].rename("tpr").reset_index()
