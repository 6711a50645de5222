"""The stored attacks on topics: counts recovered, membership, poisoning and recovery, and privacy. Notebooks 04 and 05.

`python -m pmt_helpers sweep topic-attacks` calls this, from `run_topic_attacks`. There is one job per seed.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack

from pmt_helpers.attacks.publishing import RELEASES, publish, recovered_share
from pmt_helpers.attacks.topic_membership import attack_topics
from pmt_helpers.attacks.topic_poisoning import CAP, CRAFTED, LENGTHS, OWN, poison_topics, recovery_curve
from pmt_helpers.experiments.results import Result, read_grid
from pmt_helpers.experiments.resume import JobRunner
from pmt_helpers.experiments.topics import SeedJob, TopicExperiment, rows_by_seed, topic_experiment
from pmt_helpers.privacy.topics import RELEASES as PRIVATE_RELEASES
from pmt_helpers.privacy.topics import train_topics_private
from pmt_helpers.topics.evaluation import held_out_bits
from pmt_helpers.topics.personal import Topics
from pmt_helpers.topics.splits import hold_out, split, split_documents

ATTACKED = ("all digits", "4 decimals", "3 decimals", "10% noise", "words of 3 documents", "10 top words")
SIZES = (30, 100, 200)  # private documents whose topics are published
CURVES_AT = 100  # of which the ROC curves are stored
BETA_FOUND = "all digits, beta not told"  # a stored name: here the attacker has to find beta
EPSILONS = (math.inf, 8.0, 3.0, 1.0)
DELTA = 1e-5
MEMBERS = 0.7  # of the pool, by a coin for each document: for this the bound on every attack holds exactly
PRIVATE_SPLITS = {"nips": (100, 1200), "wikipedia": (200, 850), "news": (0, 220)}  # public documents, and pool
LIBRARIES = ("numpy", "scipy", "numba", "scikit-learn")


def run_topic_attacks(runner: JobRunner, *, dataset: str, grid: tuple[str, ...], seeds: int) -> Iterator[Result]:
    """`sweep topic-attacks`: one grid after the other, each stored under a command that computes it alone."""
    experiment = topic_experiment(dataset)
    for name in grid:
        kind = f"topic_{name}"
        beside = runner.at(runner.folder / f"{kind}_{dataset}")
        rows = attack_rows(kind, SEED_JOBS[kind], experiment, beside, seeds=range(seeds))
        tables = {f"topic_{part}_{dataset}": table for part, table in _tables(name, rows).items()}
        yield Result(tables, dataset, experiment.digest, list(range(seeds)), settings={"grid": name})


def _tables(name: str, rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A grid's rows under its name; ROC curves in a table of their own, means over seeds where all have a point."""
    if name != "membership":
        return {name: rows}
    points = rows[rows["fpr"].notna()]
    curves = points.groupby(["documents", "way", "attack", "fpr"])["tpr"].agg(["mean", "size"])
    complete = curves["size"] == curves.groupby(["documents", "way", "attack"])["size"].transform("max")
    curves = curves.loc[complete, "mean"].rename("tpr").reset_index()
    return {name: rows[rows["fpr"].isna()].drop(columns="fpr"), "roc": curves}


def stored_topic_attacks(kind: str, dataset: str) -> pd.DataFrame:
    """A grid of data/results: "leak", "membership", "roc", "poison", "healing" or "privacy"; DataError if none."""
    return read_grid(f"topic_{kind}_{dataset}")


def attack_rows(
    kind: str, job: SeedJob, experiment: TopicExperiment, runner: JobRunner, *, seeds: Sequence[int]
) -> pd.DataFrame:
    """The rows of all seeds, in order."""
    settings = [list(RELEASES), ATTACKED, SIZES, CURVES_AT, CRAFTED, LENGTHS, OWN, CAP]
    return rows_by_seed(kind, job, experiment, runner, settings, LIBRARIES, seeds=seeds)


def leak_rows(experiment: TopicExperiment, seed: int) -> pd.DataFrame:
    """What each release gives away of the word counts: seed, way, words, counts, tokens, exact (`recovered_share`)."""
    documents, public, plan = experiment
    local = split(documents, plan, seed, public).local
    phi = plan.model(seed, 1).fit(local, plan.iterations).phi_
    rows = [{"way": way, **recovered_share(publish(phi, local, way, seed), phi, plan.beta)} for way in RELEASES]
    beta_found = recovered_share(publish(phi, local, "all digits"), phi, plan.beta, find_beta=True)
    return pd.DataFrame([*rows, {"way": BETA_FOUND, **beta_found}]).assign(seed=seed)


def membership_rows(experiment: TopicExperiment, seed: int) -> pd.DataFrame:
    """AUC and TPR by number of documents and release: seed, documents, way, attack, auc, tpr; and fpr.

    Rows with an fpr are points of a ROC curve (tpr there; no auc). Members are drawn from all documents that are not
    public, one by one: were whole articles members or not, an attack would be credited with knowing the article.
    """
    documents, public, plan = experiment
    parts = split(documents, plan, seed, public)
    pool = vstack([parts.local, parts.test], format="csr")
    reference = plan.model(seed, 0).fit(parts.shared, plan.iterations).phi_
    options: dict[str, Any] = {"reference": reference, "alpha": plan.alpha, "beta": plan.beta, "intervals": False}
    frames = []
    for size in SIZES:
        members, others = sample_members(pool, size, (seed, 6))
        phi = plan.model(seed, 1).fit(members, plan.iterations).phi_
        for way in ATTACKED:
            table, curves = attack_topics(publish(phi, members, way, seed), members, others, **options)
            tables = [table.assign(fpr=np.nan), *([curves] if size == CURVES_AT else [])]
            frames.append(pd.concat(tables).assign(documents=size, way=way))
    return pd.concat(frames, ignore_index=True).assign(seed=seed)


def sample_members(pool: csr_array, members: int, seed: int | Sequence[int]) -> tuple[csr_array, csr_array]:
    """`members` documents of the pool, drawn at random, and the rest of it."""
    order = np.random.default_rng(seed).permutation(pool.shape[0])
    return pool[np.sort(order[:members])], pool[np.sort(order[members:])]


def poison_rows(experiment: TopicExperiment, seed: int) -> pd.DataFrame:
    """`poison_topics`, and the defence against six and twelve crafted documents."""
    documents, public, plan = experiment
    options: dict[str, Any] = {"seed": seed, "public": public, "progress": False}
    plain = poison_topics(documents, plan, **options)
    defended = poison_topics(documents, plan, (0, 6, 12), (LENGTHS[0],), capped=True, **options)
    return pd.concat([plain, defended], ignore_index=True)


def recovery_rows(experiment: TopicExperiment, seed: int) -> pd.DataFrame:
    """`recovery_curve` after six crafted documents."""
    documents, public, plan = experiment
    return recovery_curve(documents, plan, seed=seed, public=public, progress=False)


def privacy_rows(experiment: TopicExperiment, seed: int) -> pd.DataFrame:
    """What protection costs and saves: seed, model, epsilon, noise, bits, attack, auc, tpr, strongest.

    Models: "public" (no private document), "unprotected" (topics of the private documents alone), and "words" and
    "topics", released with noise. bits: per word, on held-out documents. strongest: the highest AUC that any attack
    can have.
    """
    plan = experiment.plan
    public, pool, test = _private_split(experiment, seed)
    inside = np.random.default_rng((seed, 7)).random(pool.shape[0]) < MEMBERS
    members, others = pool[inside], pool[~inside]
    reference = plan.model(seed, 0).fit(public, plan.iterations).phi_
    unprotected = plan.model(seed, 1).fit(members, plan.iterations).phi_
    released: list[tuple[str, float, Any, float, float]] = [
        ("public", 0.0, reference, 0.0, 0.5),
        ("unprotected", math.inf, unprotected, 0.0, 1.0),
    ]
    for release in PRIVATE_RELEASES:
        for epsilon in EPSILONS:
            options: dict[str, Any] = {"release": release, "insecure_seed": seed}  # the stored grid comes out again
            private = train_topics_private(Topics(reference), members, epsilon, DELTA, **options)
            released.append((release, epsilon, private.phi, private.noise, private.max_auc))
    tables = []
    for model, epsilon, phi, noise, strongest in released:
        table, _ = attack_topics(phi, members, others, reference=reference, alpha=plan.alpha, intervals=False)
        bits = held_out_bits(phi, test, plan.alpha, seed)
        tables.append(table.assign(model=model, epsilon=epsilon, noise=noise, bits=bits, strongest=strongest))
    return pd.concat(tables, ignore_index=True).assign(seed=seed)


def _private_split(experiment: TopicExperiment, seed: int) -> tuple[csr_array, csr_array, csr_array]:
    """Public documents, those that may be private members, and test documents; groups whole, public words only."""
    documents, public, _ = experiment
    n_public, n_pool = PRIVATE_SPLITS[documents.card.name]
    if public is None:
        parts = split_documents(documents.groups, n_public, n_pool, seed)
        return tuple(documents.counts[rows] for rows in parts)
    pool, test = hold_out(documents, n_pool, seed)
    n_words = len(public.vocabulary)  # a private word in the list would tell that somebody wrote it
    return public.counts, pool.counts[:, :n_words], test.counts[:, :n_words]


SEED_JOBS: Mapping[str, SeedJob] = {
    "topic_leak": SeedJob(leak_rows, ("seed", "way", "words", "counts", "tokens", "exact")),
    "topic_membership": SeedJob(membership_rows, ("seed", "documents", "way", "attack", "auc", "tpr", "fpr")),
    "topic_poison": SeedJob(poison_rows, ("seed", "crafted", "length", "defence", "model", "association", "bits")),
    "topic_healing": SeedJob(recovery_rows, ("seed", "own", "mentions", "model", "association")),
    "topic_privacy": SeedJob(
        privacy_rows, ("seed", "model", "epsilon", "noise", "bits", "attack", "auc", "tpr", "strongest")
    ),
}
