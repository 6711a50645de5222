"""python -m pmt_helpers sweep topic-attacks: the stored results of attacks on topics, and what privacy costs there.

Topics published with differential privacy are attacked here, since attacks and privacy know nothing of each other.
"""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pmt_helpers.commands.sweep_common import documents_option, pieces_options, seeds_option, store

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from scipy.sparse import csr_array

    from pmt_helpers.topics.grids import Collection

GRIDS = ("leak", "membership", "poison", "healing", "privacy")
EPSILONS = (math.inf, 8.0, 3.0, 1.0)
DELTA = 1e-5
MEMBERS = 0.7  # of the pool, by a coin for each document: for this the bound on every attack holds exactly
SIZES = {"nips": (100, 1200), "wikipedia": (200, 850), "news": (0, 220)}  # public documents, and pool


@click.command("topic-attacks")
@documents_option
@click.option("--grid", "grids", type=click.Choice(GRIDS), multiple=True, default=GRIDS, help="Only this; repeatable.")
@seeds_option(5)
@pieces_options
def topic_attacks(dataset: str, grids: tuple[str, ...], seeds: int, out: Path | None, work: Path, **how: Any) -> None:
    """Word counts read out, membership, crafted documents, and differential privacy for topics."""
    from pmt_helpers.attacks.topic_grids import KINDS, attack_rows
    from pmt_helpers.topics.grids import collection

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


def privacy_piece(given: "Collection", seed: int) -> "pd.DataFrame":
    """What protection costs and saves: seed, model, epsilon, noise, bits, attack, auc, tpr, strongest.

    Models: "public" (no private document), "unprotected" (topics of the private documents alone), and "words" and
    "topics", released with noise. bits: a word, on documents of nobody. strongest: the highest AUC an attack can have.
    """
    import numpy as np
    import pandas as pd

    from pmt_helpers.attacks.topic_membership import attack_topics
    from pmt_helpers.privacy.topics import RELEASES, train_topics_private
    from pmt_helpers.topics.evaluation import held_out_bits
    from pmt_helpers.topics.personal import Topics

    plan = given.plan
    public, pool, test = _dealt(given, seed)
    inside = np.random.default_rng((seed, 7)).random(pool.shape[0]) < MEMBERS
    members, others = pool[inside], pool[~inside]
    reference = plan.model(seed, 0).fit(public, plan.iterations).phi_
    own = plan.model(seed, 1).fit(members, plan.iterations).phi_
    shown: list[tuple[str, float, Any, float, float]] = [
        ("public", 0.0, reference, 0.0, 0.5),
        ("unprotected", math.inf, own, 0.0, 1.0),
    ]
    for release in RELEASES:
        for epsilon in EPSILONS:
            private = train_topics_private(Topics(reference), members, epsilon, DELTA, release=release, seed=seed)
            shown.append((release, epsilon, private.phi, private.noise, private.strongest))
    tables = []
    for model, epsilon, phi, noise, strongest in shown:
        table, _ = attack_topics(phi, members, others, reference=reference, alpha=plan.alpha, intervals=False)
        bits = held_out_bits(phi, test, plan.alpha, seed)
        tables.append(table.assign(model=model, epsilon=epsilon, noise=noise, bits=bits, strongest=strongest))
    rows = pd.concat(tables, ignore_index=True).assign(seed=seed)
    return rows[["seed", "model", "epsilon", "noise", "bits", "attack", "auc", "tpr", "strongest"]]


def _dealt(given: "Collection", seed: int) -> "tuple[csr_array, csr_array, csr_array]":
    """Public documents, those that may be private members, and those of nobody; groups whole, public words only."""
    from pmt_helpers.topics.dealing import put_aside, split_documents

    n_public, n_pool = SIZES[given.documents.card.name]
    if given.public is None:
        dealt: tuple[np.ndarray, ...] = split_documents(given.documents.groups, n_public, n_pool, seed)
        counts = [given.documents.counts[rows] for rows in dealt]
        return counts[0], counts[1], counts[2]
    pool, test = put_aside(given.documents, n_pool, seed)
    n_words = len(given.public.vocabulary)  # a private word in the list would tell that somebody wrote it
    return given.public.counts, pool.counts[:, :n_words], test.counts[:, :n_words]
