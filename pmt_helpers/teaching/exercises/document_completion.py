"""Exercise `document-completion` (notebook 03): how well topics foretell the half of a document that they did not see.

Judged by values, on documents whose two halves are about different things.
"""

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer, Exercise, Hints, Mistake

Array = np.ndarray


def completion_bits(phi: Array, seen: Array, unseen: Array, alpha: float, iterations: int) -> float:
    """Mean log2 probability of an unseen token. phi (n_topics, n_words); seen, unseen (n_words,): counts."""
    return float(np.average(np.log2(_words(phi, _theta(phi, seen, alpha, iterations))), weights=unseen))


def _theta(phi: Array, counts: Array, alpha: float, iterations: int, shares: bool = True) -> Array:
    """Topics of a document with these counts, (n_topics,). shares: p(k | word) is normalised over topics."""
    theta = np.full(len(phi), 1 / len(phi))
    for _ in range(iterations):
        joint = phi.T * theta
        each = joint / joint.sum(axis=1, keepdims=True) if shares else joint
        theta = alpha + counts @ each
        theta = theta / theta.sum()
    return theta


def _words(phi: Array, theta: Array) -> Array:
    """p(word) of a document with these topics, (n_words,)."""
    return phi.T @ theta


def _scored(phi: Array, theta: Array, tokens: Array) -> float:
    return float(tokens @ np.log2(_words(phi, theta)) / tokens.sum())


def _peeked(phi: Array, seen: Array, unseen: Array, alpha: float, iterations: int) -> float:
    return _scored(phi, _theta(phi, seen + unseen, alpha, iterations), unseen)


def _only_unseen(phi: Array, seen: Array, unseen: Array, alpha: float, iterations: int) -> float:
    return _scored(phi, _theta(phi, unseen, alpha, iterations), unseen)


def _scored_on_seen(phi: Array, seen: Array, unseen: Array, alpha: float, iterations: int) -> float:
    return _scored(phi, _theta(phi, seen, alpha, iterations), seen)


def _seen_once(phi: Array, seen: Array, unseen: Array, alpha: float, iterations: int) -> float:
    return completion_bits(phi, np.minimum(seen, 1), unseen, alpha, iterations)


def _unseen_once(phi: Array, seen: Array, unseen: Array, alpha: float, iterations: int) -> float:
    return completion_bits(phi, seen, np.minimum(unseen, 1), alpha, iterations)


def _by_distinct_words(phi: Array, seen: Array, unseen: Array, alpha: float, iterations: int) -> float:
    return _total(phi, seen, unseen, alpha, iterations) / np.count_nonzero(unseen)


def _by_vocabulary(phi: Array, seen: Array, unseen: Array, alpha: float, iterations: int) -> float:
    return _total(phi, seen, unseen, alpha, iterations) / len(unseen)


def _total(phi: Array, seen: Array, unseen: Array, alpha: float, iterations: int) -> float:
    return completion_bits(phi, seen, unseen, alpha, iterations) * unseen.sum()


def _log_of_mean(phi: Array, seen: Array, unseen: Array, alpha: float, iterations: int) -> float:
    p = _words(phi, _theta(phi, seen, alpha, iterations))
    return float(np.log2(np.average(p, weights=unseen)))


def _not_shares(phi: Array, seen: Array, unseen: Array, alpha: float, iterations: int) -> float:
    return _scored(phi, _theta(phi, seen, alpha, iterations, shares=False), unseen)


def _theta_not_normalised(phi: Array, seen: Array, unseen: Array, alpha: float, iterations: int) -> float:
    size = len(phi) * alpha + seen.sum()  # what theta sums to before it is divided
    return completion_bits(phi, seen, unseen, alpha, iterations) + float(np.log2(size))


def _times(factor: float) -> Answer:
    return lambda *arguments: factor * completion_bits(*arguments)


def _cases() -> dict[str, tuple[Array, Array, Array, float, int]]:
    rng = np.random.default_rng(10)
    phi = np.array([[0.40, 0.30, 0.15, 0.05, 0.05, 0.05], [0.05, 0.05, 0.05, 0.20, 0.25, 0.40]])
    dirichlet = rng.dirichlet(np.full(40, 0.3), 5) + 1e-3
    wide = dirichlet / dirichlet.sum(axis=1, keepdims=True)
    seen, unseen = (rng.multinomial(60, share @ wide) for share in ([0.7, 0.3, 0, 0, 0], [0.1, 0.2, 0.7, 0, 0]))
    return {
        "two topics, six words": (phi, np.array([3, 1, 0, 1, 0, 0]), np.array([1, 0, 2, 0, 0, 4]), 0.5, 20),
        "forty words, five topics": (wide, seen, unseen, 0.3, 10),
        "a single iteration": (phi, np.array([0, 4, 0, 0, 1, 0]), np.array([2, 0, 0, 3, 0, 0]), 1.0, 1),
        "nothing seen": (phi, np.zeros(6, int), np.array([0, 0, 0, 0, 2, 1]), 0.5, 5),
    }


_PER_TOKEN = (
    "this is no mean over tokens. A word that comes four times counts four times, above the line and below it: weigh "
    "by the counts, and divide by their sum."
)
_UNSEEN_USED = (
    "theta knows the unseen half: that is the answer sheet. Let the seen half alone say which topics the document has."
)

DOCUMENT_COMPLETION = Exercise(
    id="document-completion",
    notebook="03",
    title="Foretell the other half",
    signature="completion_bits(phi, seen, unseen, alpha, iterations)",
    right="your bits agree with ours. Nothing of the unseen half went into theta, so learning by heart does not help "
    "here.",
    hints=Hints(
        nudge="Which of the two halves may say what the document is about, and which may only be scored?",
        sketch="Start with a theta of equal shares. Again and again: for each word, theta times its column of phi, "
        "divided by its sum, is the share of each topic in it; add these up over the seen tokens (a word counts as "
        "often as it occurs), add alpha, divide by the sum. At last theta times phi is the probability of each word: "
        "take log2, and the mean over the unseen tokens.",
        pointer="complete_plainly in pmt_helpers/topics/evaluation.py does it for many documents.",
    ),
    cases=_cases(),
    reference=completion_bits,
    mistakes=(
        Mistake(
            "natural logarithm",
            "this is in nats. A bit is a factor of two: take the logarithm to the base 2.",
            _times(float(np.log(2))),
        ),
        Mistake(
            "sign",
            "the sign is turned round. The logarithm of a probability is negative, and nearer to zero is better.",
            _times(-1),
        ),
        Mistake("both halves", _UNSEEN_USED, _peeked),
        Mistake("only the unseen half", _UNSEEN_USED, _only_unseen),
        Mistake(
            "seen half scored",
            "this scores the half that theta was made from. That flatters: score the unseen half.",
            _scored_on_seen,
        ),
        Mistake(
            "halves swapped",
            "the halves have changed places: theta comes from the seen one, the score from the unseen one.",
            lambda phi, seen, unseen, alpha, iterations: completion_bits(phi, unseen, seen, alpha, iterations),
        ),
        Mistake("each unseen word once", _PER_TOKEN, _unseen_once),
        Mistake("divided by distinct words", _PER_TOKEN, _by_distinct_words),
        Mistake("divided by the vocabulary", _PER_TOKEN, _by_vocabulary),
        Mistake(
            "sum",
            "this is the sum over the unseen tokens. Divide by how many they are, so that long documents can be "
            "compared with short ones.",
            _total,
        ),
        Mistake(
            "logarithm of the mean",
            "this averages probabilities and then takes the logarithm. Take the logarithm of each token's probability "
            "first, then the mean.",
            _log_of_mean,
        ),
        Mistake(
            "each seen word once",
            "in theta each seen word counts once, however often it occurs. Weigh its shares by its count.",
            _seen_once,
        ),
        Mistake(
            "alpha forgotten",
            "alpha is missing in theta. Without it, a topic that the seen half lacks is all but ruled out in the rest.",
            lambda phi, seen, unseen, alpha, iterations: completion_bits(phi, seen, unseen, 0.0, iterations),
        ),
        Mistake(
            "shares that are none",
            "theta times phi is not yet p(k | word): for each word it must sum to one over the topics. Divide each "
            "column by its sum.",
            _not_shares,
        ),
        Mistake(
            "theta not normalised",
            "theta does not sum to one, so the words have probabilities above one. Divide theta by its sum.",
            _theta_not_normalised,
        ),
        Mistake(
            "always from the start",
            "this is the theta of a single iteration. Begin each one with the theta of the one before, and return "
            "after the loop.",
            lambda phi, seen, unseen, alpha, iterations: completion_bits(phi, seen, unseen, alpha, 1),
        ),
        Mistake(
            "equal shares",
            "theta is still what it started as, equal shares, whatever was seen. Keep what each iteration finds.",
            lambda phi, seen, unseen, alpha, iterations: completion_bits(phi, seen, unseen, alpha, 0),
        ),
    ),
)
