"""The stored attacks on topics: counts read out, membership, poisoning and healing. Notebook 04.

`python -m pmt_helpers sweep topic-attacks` calls this. Each seed is a piece: a stopped sweep goes on.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack

from pmt_helpers.attacks.poisoned_topics import CAP, CRAFTED, LENGTHS, OWN, heal_topics, poison_topics
from pmt_helpers.attacks.publishing import WAYS, leak, publish
from pmt_helpers.attacks.topic_membership import attack_topics
from pmt_helpers.datasets.grids import read_grid
from pmt_helpers.topics.dealing import deal
from pmt_helpers.topics.grids import Collection, rows_by_seed

ATTACKED = ("all digits", "4 decimals", "3 decimals", "10% noise", "words of 3 documents", "10 top words")
SIZES = (30, 100, 200)  # private documents whose topics are published
DRAWN = 100  # of which the ROC curves are kept
BETA_FOUND = "all digits, beta not told"


def leak_piece(given: Collection, seed: int) -> pd.DataFrame:
    """What each way to publish tells of the word counts: seed, way, words, counts, tokens, exact (see `leak`)."""
    local = deal(given.documents, given.plan, seed, given.public).local
    phi = given.plan.model(seed, 1).fit(local, given.plan.iterations).phi_
    rows = [{"way": way, **leak(publish(phi, local, way, seed), phi, given.plan.beta)} for way in WAYS]
    rows.append({"way": BETA_FOUND, **leak(publish(phi, local, "all digits"), phi, given.plan.beta, find_beta=True)})
    return pd.DataFrame(rows).assign(seed=seed)[["seed", *rows[0]]]


def membership_piece(given: Collection, seed: int) -> pd.DataFrame:
    """AUC and hits by number of documents and way to publish: seed, documents, way, attack, auc, tpr; and fpr.

    Rows with an fpr are points of a ROC curve (tpr there; no auc). Members are drawn from all documents that are not
    public, one by one: were whole articles members or not, an attack would be praised for knowing the article.
    """
    parts = deal(given.documents, given.plan, seed, given.public)
    pool = vstack([parts.local, parts.test], format="csr")
    reference = given.plan.model(seed, 0).fit(parts.shared, given.plan.iterations).phi_
    options: dict[str, Any] = {"reference": reference, "alpha": given.plan.alpha, "beta": given.plan.beta}
    options["intervals"] = False
    frames = []
    for size in SIZES:
        members, others = in_or_out(pool, size, (seed, 6))
        phi = given.plan.model(seed, 1).fit(members, given.plan.iterations).phi_
        for way in ATTACKED:
            shown = publish(phi, members, way, seed)
            table, curves = attack_topics(shown, members, others, **options)
            kept = [table.assign(fpr=np.nan)]
            kept += [curves] if size == DRAWN else []
            frames.append(pd.concat(kept).assign(documents=size, way=way))
    rows = pd.concat(frames, ignore_index=True).assign(seed=seed)
    return rows[["seed", "documents", "way", "attack", "auc", "tpr", "fpr"]]


def in_or_out(pool: csr_array, members: int, seed: int | Sequence[int]) -> tuple[csr_array, csr_array]:
    """So many documents of the pool by lot, and the rest of it."""
    order = np.random.default_rng(seed).permutation(pool.shape[0])
    return pool[np.sort(order[:members])], pool[np.sort(order[members:])]


def poison_piece(given: Collection, seed: int) -> pd.DataFrame:
    """`poison_topics`, and the defence against six and twelve crafted documents."""
    options: dict[str, Any] = {"seed": seed, "public": given.public, "progress": False}
    plain = poison_topics(given.documents, given.plan, **options)
    defended = poison_topics(given.documents, given.plan, (0, 6, 12), (LENGTHS[0],), capped=True, **options)
    return pd.concat([plain, defended], ignore_index=True)


def healing_piece(given: Collection, seed: int) -> pd.DataFrame:
    """`heal_topics` after six crafted documents."""
    return heal_topics(given.documents, given.plan, seed=seed, public=given.public, progress=False)


KINDS: Mapping[str, Callable[[Collection, int], pd.DataFrame]] = {
    "topic_leak": leak_piece,
    "topic_membership": membership_piece,
    "topic_poison": poison_piece,
    "topic_healing": healing_piece,
}


def stored_topic_attacks(kind: str, dataset: str) -> pd.DataFrame:
    """A grid of data/results: "leak", "membership", "roc", "poison", "healing" or "privacy"; DataError if none."""
    return read_grid(f"topic_{kind}_{dataset}")


def attack_rows(
    kind: str,
    piece: Callable[[Collection, int], pd.DataFrame],
    given: Collection,
    folder: Path,
    *,
    seeds: Sequence[int],
    workers: int = 2,
    dask: str | None = None,
) -> pd.DataFrame:
    """The pieces of all seeds, in order. Neither workers nor an interruption changes a bit of it."""
    settings = [list(WAYS), ATTACKED, SIZES, DRAWN, CRAFTED, LENGTHS, OWN, CAP]
    libraries = ("numpy", "scipy", "numba", "scikit-learn")
    return rows_by_seed(kind, piece, given, folder, settings, libraries, seeds=seeds, workers=workers, dask=dask)
