"""The stored attacks on topics: counts read out, membership, poisoning and healing. Notebook 04.

`python -m pmt_helpers sweep topic-attacks` calls this. Each seed is a piece: a stopped sweep goes on.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack

from pmt_helpers.attacks.publishing import RELEASES, publish, recovered_share
from pmt_helpers.attacks.topic_membership import attack_topics
from pmt_helpers.attacks.topic_poisoning import CAP, CRAFTED, LENGTHS, OWN, poison_topics, recovery_curve
from pmt_helpers.experiments.results import read_grid
from pmt_helpers.experiments.topics import Collection, rows_by_seed
from pmt_helpers.topics.splits import split

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from scipy.sparse import csr_array

    from pmt_helpers.experiments.topics import Collection


ATTACKED = ("all digits", "4 decimals", "3 decimals", "10% noise", "words of 3 documents", "10 top words")


SIZES = (30, 100, 200)  # private documents whose topics are published


DRAWN = 100  # of which the ROC curves are kept


BETA_FOUND = "all digits, beta not told"


def leak_piece(given: Collection, seed: int) -> pd.DataFrame:
    """What each way to publish tells of the word counts: seed, way, words, counts, tokens, exact (see `leak`)."""
    local = split(given.documents, given.plan, seed, given.public).local
    phi = given.plan.model(seed, 1).fit(local, given.plan.iterations).phi_
    rows = [{"way": way, **recovered_share(publish(phi, local, way, seed), phi, given.plan.beta)} for way in RELEASES]
    rows.append(
        {"way": BETA_FOUND, **recovered_share(publish(phi, local, "all digits"), phi, given.plan.beta, find_beta=True)}
    )
    return pd.DataFrame(rows).assign(seed=seed)[["seed", *rows[0]]]


def membership_piece(given: Collection, seed: int) -> pd.DataFrame:
    """AUC and hits by number of documents and way to publish: seed, documents, way, attack, auc, tpr; and fpr.

    Rows with an fpr are points of a ROC curve (tpr there; no auc). Members are drawn from all documents that are not
    public, one by one: were whole articles members or not, an attack would be praised for knowing the article.
    """
    parts = split(given.documents, given.plan, seed, given.public)
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
    """`recovery_curve` after six crafted documents."""
    return recovery_curve(given.documents, given.plan, seed=seed, public=given.public, progress=False)


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
    settings = [list(RELEASES), ATTACKED, SIZES, DRAWN, CRAFTED, LENGTHS, OWN, CAP]
    libraries = ("numpy", "scipy", "numba", "scikit-learn")
    return rows_by_seed(kind, piece, given, folder, settings, libraries, seeds=seeds, workers=workers, dask=dask)


EPSILONS = (math.inf, 8.0, 3.0, 1.0)


DELTA = 1e-5


MEMBERS = 0.7  # of the pool, by a coin for each document: for this the bound on every attack holds exactly


SIZES_sweep_topic_attacks = {
    "nips": (100, 1200),
    "wikipedia": (200, 850),
    "news": (0, 220),
}  # public documents, and pool


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
            shown.append((release, epsilon, private.phi, private.noise, private.max_auc))
    tables = []
    for model, epsilon, phi, noise, strongest in shown:
        table, _ = attack_topics(phi, members, others, reference=reference, alpha=plan.alpha, intervals=False)
        bits = held_out_bits(phi, test, plan.alpha, seed)
        tables.append(table.assign(model=model, epsilon=epsilon, noise=noise, bits=bits, strongest=strongest))
    rows = pd.concat(tables, ignore_index=True).assign(seed=seed)
    return rows[["seed", "model", "epsilon", "noise", "bits", "attack", "auc", "tpr", "strongest"]]


def _dealt(given: "Collection", seed: int) -> "tuple[csr_array, csr_array, csr_array]":
    """Public documents, those that may be private members, and those of nobody; groups whole, public words only."""
    from pmt_helpers.topics.splits import hold_out, split_documents

    n_public, n_pool = SIZES_sweep_topic_attacks[given.documents.card.name]
    if given.public is None:
        dealt: tuple[np.ndarray, ...] = split_documents(given.documents.groups, n_public, n_pool, seed)
        counts = [given.documents.counts[rows] for rows in dealt]
        return counts[0], counts[1], counts[2]
    pool, test = hold_out(given.documents, n_pool, seed)
    n_words = len(given.public.vocabulary)  # a private word in the list would tell that somebody wrote it
    return given.public.counts, pool.counts[:, :n_words], test.counts[:, :n_words]
