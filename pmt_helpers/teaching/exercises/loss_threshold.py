"""Exercise `loss-threshold` (notebook 04): who was trained on? Those on whom the model's loss is low.

The area under the ROC curve says how well the attack sorts on average; the true positive rate at few false alarms says
how many people it exposes (Carlini et al. 2022).
"""

from collections.abc import Callable

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer, Exercise, Hints, Mistake

Array = np.ndarray
Pair = tuple[float, float]


def loss_attack(probabilities: Array, y: Array, member: Array, max_fpr: float) -> Pair:
    """AUC and true positive rate of the attack that takes a window with a low loss for one trained on.

    probabilities: (n, n_classes); y: (n,); member: (n,) bool. The rate is the highest among thresholds at which at
    most `max_fpr` of the others are taken for members.
    """
    return _judged(_trust(probabilities, y), member, max_fpr)


def _trust(probabilities: Array, y: Array) -> Array:
    """Minus the cross-entropy, (n,); minus infinity where the model ruled the true class out."""
    with np.errstate(divide="ignore"):
        return np.log(probabilities[np.arange(len(y)), y])


def _judged(scores: Array, member: Array, max_fpr: float) -> Pair:
    return _auc(scores, member), _rate(scores, member, max_fpr)


def _auc(scores: Array, member: Array, tie: float = 0.5) -> float:
    """Share of pairs (a member, another) in which the member scores higher; a tie counts `tie`."""
    own, other = scores[member][:, None], scores[~member]
    return float((own > other).mean() + tie * (own == other).mean())


def _rate(
    scores: Array, member: Array, max_fpr: float, allowed: Callable[[Array, float], Array] = np.less_equal
) -> float:
    """Share of members caught by the best threshold of those that are allowed."""
    caught = scores >= np.unique(scores)[:, None]
    fpr, tpr = (caught[:, who].mean(axis=1) for who in (~member, member))
    return float(tpr[allowed(fpr, max_fpr)].max(initial=0.0))


def _by(score: Callable[[Array, Array], Array]) -> Answer:
    """The attack by another score."""
    return lambda p, y, member, max_fpr: _judged(score(p, y), member, max_fpr)


def _auc_with_ties(tie: float) -> Answer:
    def answer(p: Array, y: Array, member: Array, max_fpr: float) -> Pair:
        scores = _trust(p, y)
        return _auc(scores, member, tie), _rate(scores, member, max_fpr)

    return answer


def _other_rate(rate: Callable[[Array, Array, float], float]) -> Answer:
    """The right AUC beside another rate."""

    def answer(p: Array, y: Array, member: Array, max_fpr: float) -> Pair:
        scores = _trust(p, y)
        return _auc(scores, member), rate(scores, member, max_fpr)

    return answer


def _beyond_quantile(scores: Array, member: Array, max_fpr: float) -> float:
    """In probabilities: between logarithms the quantile would be another one."""
    p = np.exp(scores)
    return float((p[member] >= np.quantile(p[~member], 1 - max_fpr)).mean())


def _hits(p: Array, y: Array) -> Array:
    return (p.argmax(1) == y).astype(float)


def _cases() -> dict[str, tuple[Array, Array, Array, float]]:
    """Probabilities in fiftieths, so that there are ties and zeros; members are better known, but no means all."""
    rng = np.random.default_rng(31)

    def windows(n_members: int, n_others: int, n_classes: int, max_fpr: float) -> tuple[Array, Array, Array, float]:
        n = n_members + n_others
        member = rng.permutation(n) < n_members
        y = rng.integers(0, n_classes, n)
        towards = np.eye(n_classes)[y] * np.where(member, 2.5, 1.2)[:, None]
        shares = np.array([rng.dirichlet(0.4 + row) for row in towards])
        return rng.multinomial(50, shares) / 50, y, member, max_fpr

    return {
        "twenty members, thirty others": windows(20, 30, 3, 0.1),
        "sixty of each, six classes": windows(60, 60, 6, 0.05),
        "no false alarm allowed": windows(25, 40, 4, 0.0),
    }


_TIES = (
    "pairs with the same loss are counted wrong. There the attacker can only toss a coin, so each counts a half: not "
    "nothing, and not one."
)
_TRUE_CLASS = (
    "this asks how sure the model is, not how right. What a model was trained towards is the true class: take the "
    "probability of that one, wherever its highest may be."
)

LOSS_THRESHOLD = Exercise(
    id="loss-threshold",
    notebook="04",
    title="Were you trained on?",
    signature="loss_attack(probabilities, y, member, max_fpr)",
    right="your two numbers agree with ours. The first says how well the attack sorts on average; the second, how many "
    "members it names while it is hardly ever wrong.",
    hints=Hints(
        nudge="On which windows does a model have the lower loss: those it was trained on, or others? And which of the "
        "columns of probabilities does the loss look at?",
        sketch="Score each window by the log of the probability of its true class. AUC: compare each member with each "
        "other window; the share of pairs in which the member scores higher, a tie counting a half. Rate: take each "
        "score as a threshold, caught is who has at least that; keep thresholds that catch at most max_fpr of the "
        "others, and return the largest share of the members that one of them catches, or 0.",
        pointer="certainty in pmt_helpers/attacks/membership_game.py scores windows, strength in "
        "pmt_helpers/attacks/roc.py says how well that tells.",
    ),
    cases=_cases(),
    reference=loss_attack,
    mistakes=(
        Mistake(
            "sign",
            "the AUC is below a half: the attack is turned round. A low loss speaks for a member, so a high score must "
            "mean a low loss.",
            _by(lambda p, y: -_trust(p, y)),
        ),
        Mistake(
            "members swapped",
            "members and others have changed places. The first of the two groups is where member is true.",
            lambda p, y, member, max_fpr: loss_attack(p, y, ~member, max_fpr),
        ),
        Mistake("surest class", _TRUE_CLASS, _by(lambda p, y: p.max(1))),
        Mistake(
            "right or wrong",
            "this only asks whether the model is right. It is right on most windows, trained on or not, and between "
            "those this sees no difference: use the loss itself.",
            _by(_hits),
        ),
        Mistake("ties count nothing", _TIES, _auc_with_ties(0.0)),
        Mistake("ties count one", _TIES, _auc_with_ties(1.0)),
        Mistake(
            "fewer than max_fpr",
            "the rate is too low: this asks for fewer false alarms than max_fpr. At most means that exactly so many "
            "are allowed, too.",
            _other_rate(lambda scores, member, max_fpr: _rate(scores, member, max_fpr, np.less)),
        ),
        Mistake(
            "quantile",
            "the AUC is right, but the threshold lets more others pass than max_fpr allows: a quantile lies between "
            "scores, or on one that several share. Count the false alarms of each threshold.",
            _other_rate(_beyond_quantile),
        ),
        Mistake(
            "any threshold",
            "the rate is always one: with no limit to false alarms, everybody can be called a member. Keep only "
            "thresholds that catch at most max_fpr of the others.",
            _other_rate(lambda scores, member, max_fpr: 1.0),
        ),
        Mistake(
            "of all windows",
            "the AUC is right, the rate is too low: it is the share of all windows. Divide by the number of members.",
            _other_rate(lambda scores, member, max_fpr: _rate(scores, member, max_fpr) * float(member.mean())),
        ),
        Mistake(
            "alarms of all windows",
            "the AUC is right, but the limit is laid on the share of all windows. The false positive rate is the share "
            "of the others that are taken for members.",
            _other_rate(lambda scores, member, max_fpr: _rate(scores, member, max_fpr / float((~member).mean()))),
        ),
        Mistake(
            "swapped",
            "the two values are swapped: first the AUC, then the rate.",
            lambda *arguments: loss_attack(*arguments)[::-1],
        ),
    ),
)
