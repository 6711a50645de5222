"""Fresh cases from a secret seed: an answer that has learnt the shipped cases by heart is not right on these."""

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import pbkdf2_hmac
from typing import Any

import numpy as np

from pmt_helpers.teaching.exercises import Exercise

Case = tuple[Any, ...]
N_DRAWN = 6  # beside the shipped ones: "take it or not" is guessed right on all of them once in sixty-four times


def _shares(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Rows that sum to one, none of them near 0 or 1."""
    drawn = rng.dirichlet(np.full(shape[-1], 0.7), shape[:-1]) + 0.02
    return drawn / drawn.sum(axis=-1, keepdims=True)


def _labelled(rng: np.random.Generator, n: int = 12, n_classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    return _shares(rng, n, n_classes), rng.integers(0, n_classes, n)


def _warm_up(rng: np.random.Generator) -> Case:
    actual = rng.integers(0, 6, 40)
    return np.where(rng.random(40) < 0.6, actual, rng.integers(0, 6, 40)), actual


def _early_stopping(rng: np.random.Generator) -> Case:
    epochs = np.arange(1, rng.integers(20, 60))
    return 2 / epochs + 0.02 * epochs + rng.normal(0, 0.05, len(epochs)).round(3), int(rng.integers(2, 7))


def _find_the_leak(rng: np.random.Generator) -> Case:
    rows = rng.permutation(40)
    return np.repeat([0, 1], 20)[rng.permutation(40)], rng.permutation(100)[:40], rows[5:], rows[:5], 9


def _grow_dictionary(rng: np.random.Generator) -> Case:
    words = ["river", "bank", "loan", "goal", "match"]
    every = [*words, "storm", "flood", "dam", "budget", "coach", "referee"]
    return _shares(rng, 3, 5), words, [rng.choice(every, 7).tolist() for _ in range(5)], 2


def _document_completion(rng: np.random.Generator) -> Case:
    phi = _shares(rng, 4, 30)
    return phi, *(rng.multinomial(40, _shares(rng, 4) @ phi) for _ in range(2)), 0.4, int(rng.integers(2, 9))


def _gibbs_update(rng: np.random.Generator) -> Case:
    word_topic = rng.poisson(1.5, (12, 4)) + np.eye(12, 4, dtype=int)
    doc_topic = rng.multinomial(word_topic.sum(axis=0), [0.5, 0.3, 0.2]).T + 1
    word = int(rng.integers(12))
    return word_topic, doc_topic, word, int(rng.integers(3)), int(word_topic[word].argmax()), 0.7, 0.05


def _recover_word(rng: np.random.Generator) -> Case:
    counts = rng.poisson(2.0, (5, 30))
    counts[range(5), range(5)] = 0  # every topic lacks some word
    return (counts + 0.2) / (counts + 0.2).sum(axis=1, keepdims=True), 0.2, int(rng.integers(30))


def _parse_record(rng: np.random.Generator) -> Case:
    phases = ["load", *["train"] * int(rng.integers(2, 7)), "inference"]
    spans = [{"phase": phase, "cpu_s": cpu, "wall_s": cpu + 0.5, "updates": 40}
             for phase, cpu in zip(phases, rng.integers(2, 40, len(phases)).tolist(), strict=True)]  # fmt: skip
    header = {"ev": "header", "schema": "pi-profile/1", "origin": "measured-pi"}
    return [json.dumps(record) for record in (header, *({"ev": "span"} | span for span in spans))], "measured-pi"


def _fit_line(rng: np.random.Generator) -> Case:
    x = rng.uniform(5, 120, 12)
    return x, 0.6 + 0.05 * x + rng.normal(0, 0.7, 12)


def _accept(rng: np.random.Generator) -> Case:
    version, day = int(rng.integers(3, 90)), int(rng.integers(11, 29))
    state = {"key": "cloud", "model": "watch", "version": version, "today": f"2026-12-{day}", "most_bytes": 100_000}
    offer = {"signed_by": "cloud", "model": "watch", "version": version + 1, "expires": "2027-01-28", "bytes": 30_000}
    wrong = {"signed_by": "mirror", "model": "topics", "version": version - 1, "expires": f"2026-12-{day - 1}",
             "bytes": int(rng.integers(100_001, 10**6))}  # fmt: skip
    chosen = rng.choice([*wrong, *["nothing"] * len(wrong)])
    return offer | {name: value for name, value in wrong.items() if name == chosen}, state


def _find_leak_sent(rng: np.random.Generator) -> Case:
    honest = [b"head", *(b"chunk %d" % chunk for chunk in range(int(rng.integers(2, 6))))]
    cheats = [honest, [*honest, honest[-1]], honest[::-1], [b"heads", *honest[1:]], [b"tail", *honest[1:]]]
    return ([list(honest), list(cheats[rng.integers(len(cheats))]), list(honest)],)


# Exercises whose right answers differ (grouped-validation, paired-bootstrap) are judged by what an answer does to data
# of the judge's own: they have no values to learn by heart.
DRAW: dict[str, Callable[[np.random.Generator], Case]] = {
    "warm-up": _warm_up,
    "feature-by-hand": lambda rng: (rng.exponential(1.0, (50, 3)) * [1.0, 2.0, 5.0],),
    "forward-pass": lambda rng: tuple(rng.normal(size=shape) for shape in ((4, 5), (5, 8), 8, (8, 3), 3)),
    "sgd-step": lambda rng: (*(rng.normal(size=shape) for shape in ((4, 3), 3, 4)), int(rng.integers(3)), 0.1),
    "online-sgd": lambda rng: (
        *(rng.normal(size=shape) for shape in ((4, 3), 3, (6, 4))),
        rng.integers(0, 3, 6),
        int(rng.integers(2, 5)),
        0.1,
    ),
    "early-stopping": _early_stopping,
    "find-the-leak": _find_the_leak,
    "grow-dictionary": _grow_dictionary,
    "document-completion": _document_completion,
    "choose-weight": lambda rng: (np.array([0.1, 0.3, 1.0, 3.0, 10.0]), *rng.normal(-10.0, 0.5, (2, 4, 5))),
    "gibbs-update": _gibbs_update,
    "label-flip": lambda rng: (*_labelled(rng)[::-1], 0.4, rng.permutation(12)),
    "trimmed-mean": lambda rng: (rng.normal(size=(9, 6)), int(rng.integers(1, 5))),
    "loss-threshold": lambda rng: (*_labelled(rng, 30), rng.permutation(30) < 14, 0.2),
    "recover-word": _recover_word,
    "clip-and-noise": lambda rng: (2 * rng.normal(size=(6, 4)), 1.2, 1.1, 7.0, rng.normal(size=4)),
    "parse-record": _parse_record,
    "fit-line": _fit_line,
    "predict-zero": lambda rng: (*rng.integers(10**4, 10**6, 2).tolist(), int(rng.integers(10**9, 10**10)), 0.9, 1.4),
    "throttle-bits": lambda rng: (int(rng.integers(2**20)),),
    "accept": _accept,
    "find-leak-sent": _find_leak_sent,
    "keep-better": lambda rng: (_shares(rng, 12, 4), *_labelled(rng)),
    "choose-donors": lambda rng: (_shares(rng, 7, 9, 4), rng.integers(0, 4, 9), 3),
}


def fresh_cases(exercise: Exercise, seed: int) -> Exercise:
    """The exercise with drawn cases beside the shipped ones, which hold the corners; itself where none are drawn."""
    if exercise.id not in DRAW:
        return exercise
    rng = np.random.default_rng([seed, *exercise.id.encode()])
    drawn = {f"drawn {number}": DRAW[exercise.id](rng) for number in range(1, N_DRAWN + 1)}
    return replace(exercise, cases={**exercise.cases, **drawn})


def seed_of(secret: int, student: str) -> int:
    """A seed of a student's own. Slow on purpose: nobody finds the secret by trying, and it needs 12 digits or more."""
    return int.from_bytes(pbkdf2_hmac("sha256", str(secret).encode(), student.encode(), 200_000))
