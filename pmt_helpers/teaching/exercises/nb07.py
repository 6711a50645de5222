"""Notebook 07's exercises and quiz: what a device accepts, what it gives away, which model it keeps, who helps it."""

from typing import Any

import numpy as np

from pmt_helpers.teaching.exercises.base import Exercise, Mistake, where
from pmt_helpers.teaching.questions import Question

Array = np.ndarray


# ---- accept ----


def accept(manifest: dict[str, Any], state: dict[str, Any]) -> bool:
    """manifest: what is offered: signed_by (whose key its signature fits, or None), model, version, expires, bytes.

    state: what the device knows: key (the cloud's), model, version (the highest it has seen), today, most_bytes. Days
    are text, such as "2026-12-31": < and > compare them rightly.

    Returns True to download the model, False to refuse it.
    """
    ours = manifest["signed_by"] == state["key"] and manifest["model"] == state["model"]
    fresh = manifest["version"] >= state["version"] and manifest["expires"] >= state["today"]
    return ours and fresh and manifest["bytes"] <= state["most_bytes"]


_STATE = {"key": "cloud", "model": "watch", "version": 9, "today": "2026-12-09", "most_bytes": 100_000}
_HONEST = {"signed_by": "cloud", "model": "watch", "version": 10, "expires": "2027-01-08", "bytes": 30_000}


def _offer(**changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return {**_HONEST, **changes}, dict(_STATE)


_NEWER = 'manifest["version"] >= state["version"]'
_VALID = 'manifest["expires"] >= state["today"]'
_SIGNED = 'manifest["signed_by"] == state["key"]'
_SMALL = 'manifest["bytes"] <= state["most_bytes"]'

ACCEPT = Exercise(
    id="accept",
    title="What a device accepts",
    solution=accept,
    cases={
        "the cloud's newest model": _offer(),
        "the cloud's model, after a month without network": _offer(version=14),
        "the version that the device has seen": _offer(version=9),
        "an old version, truly signed": _offer(version=8),
        "the last valid day": _offer(expires="2026-12-09"),
        "a model that expired yesterday": _offer(expires="2026-12-08"),
        "a model that somebody else signed": _offer(signed_by="mirror"),
        "a model that nobody signed": _offer(signed_by=None),
        "another model of the same cloud": _offer(model="topics"),
        "more bytes than the device can take": _offer(bytes=100_001),
        "as many bytes as it can take": _offer(bytes=100_000),
        "old and expired": _offer(version=3, expires="2025-01-31"),
        "a model for a new device": ({**_HONEST, "version": 1}, {**_STATE, "version": 0}),
        "somebody else's next version": _offer(signed_by="mirror", version=11, expires="2031-01-01"),
    },
    right="your device takes what ours takes, and refuses the rest. Below it meets bad servers.",
    hints=(
        "Five things can be wrong with an offer. Which of them does your function not look at? What of the last valid "
        "day, and of a version that the device has already?",
        "Five comparisons, all of which must be true: who signed, which model, the version (not lower than the highest "
        "one seen), the last day (not before today), the size (not above the limit).",
        where("check_manifest", "system.bundle", "does this, and checks the signature itself."),
    ),
    mistakes=(
        Mistake(
            "signature ignored",
            "a model that nobody signed is taken: the key that the signature fits must be the one the device knows.",
            f"{_SIGNED} and ",
            "",
        ),
        Mistake(
            "any signature",
            "a model that somebody else signed is taken. Anybody can sign: compare the key with the cloud's.",
            _SIGNED,
            'manifest["signed_by"] is not None',
        ),
        Mistake(
            "other model",
            "another model of the same cloud is taken: compare the name, too.",
            ' and manifest["model"] == state["model"]',
            "",
        ),
        Mistake(
            "downgrade",
            "an old version is taken. It is truly signed, but its faults are known: refuse versions below the highest "
            "one seen.",
            f"{_NEWER} and ",
            "",
        ),
        Mistake(
            "same version refused",
            "the version that the device has seen is refused. A broken download could then never be repeated.",
            _NEWER,
            'manifest["version"] > state["version"]',
        ),
        Mistake(
            "next version only",
            "only the next version is taken: a device that was off for a month has missed some.",
            _NEWER,
            'manifest["version"] == state["version"] + 1',
        ),
        Mistake("older only", "the versions are compared the wrong way round.", _NEWER, _NEWER.replace(">=", "<=")),
        Mistake(
            "never expires",
            "a model that expired is taken. A server could offer it for ever and hold back what came after.",
            f" and {_VALID}",
            "",
        ),
        Mistake(
            "last day",
            "the last valid day is refused: `expires` is the last day on which the model may be used.",
            _VALID,
            _VALID.replace(">=", ">"),
        ),
        Mistake("dates turned", "the days are compared the wrong way round.", _VALID, _VALID.replace(">=", "<=")),
        Mistake(
            "any size",
            "any number of bytes is taken: a server could fill the device's memory. Compare it with the limit.",
            f" and {_SMALL}",
            "",
        ),
        Mistake("size limit", "as many bytes as the limit are allowed.", _SMALL, _SMALL.replace("<=", "<")),
        Mistake(
            "one is enough",
            "one good sign is enough here: all five must hold.",
            "ours and fresh and",
            "ours or fresh or",
        ),
        Mistake(
            "the wrong way round",
            "True and False are exchanged.",
            f"return ours and fresh and {_SMALL}",
            f"return not (ours and fresh and {_SMALL})",
        ),
    ),
)


# ---- find-leak ----


def find_leak(recordings: list[list[bytes]]) -> tuple[bool, bool, bool]:
    """recordings: one list of messages (bytes) for each person, all sent by the same device program.

    Returns three bools: do the number of messages, their lengths in order, their bytes in order differ between people?
    """
    number = len({len(messages) for messages in recordings}) > 1
    lengths = len({tuple(map(len, messages)) for messages in recordings}) > 1
    contents = len({tuple(messages) for messages in recordings}) > 1
    return number, lengths, contents


_ASK = [b"head", b"chunk 00", b"chunk 01", b"chunk 02"]
_SET_OF_LENGTHS = "{tuple(map(len, messages)) for messages in recordings}"
_SET_OF_CONTENTS = "{tuple(messages) for messages in recordings}"

FIND_LEAK = Exercise(
    id="find-leak-sent",
    title="What a device gives away",
    solution=find_leak,
    cases={
        "an honest device, three people": ([list(_ASK), list(_ASK), list(_ASK)],),
        "one person asks again": ([list(_ASK), [*_ASK, *_ASK], list(_ASK)],),
        "the order of the questions": ([list(_ASK), [*_ASK[:2], _ASK[3], _ASK[2]], list(_ASK)],),
        "the third person's question is longer": ([list(_ASK), list(_ASK), [*_ASK[:3], b"chunk 02!"]],),
        "the first person's is": ([[b"heads", *_ASK[1:]], list(_ASK), list(_ASK)],),
        "a version in the question": ([[b"head1"], [b"head2"], [b"head1"]],),
        "the same bytes in all, cut elsewhere": ([[b"head", b"chunk"], [b"hea", b"dchunk"], [b"head", b"chunk"]],),
        "short and long exchanged": ([[b"a", b"bb"], [b"bb", b"a"]],),
        "one message more, of no bytes": ([[b"head"], [b"head", b""]],),
        "the last of four people": ([[b"x"], [b"x"], [b"x"], [b"y"]],),
    },
    right="you find what ours finds. Below it looks at what five devices ask before encryption; four of them cheat.",
    hints=(
        "A device that knows nothing of the person sends everybody's messages alike. Compare all people, not two.",
        "For each person make one value: the number of messages, the tuple of their lengths, the tuple of the messages "
        "themselves. Put everybody's values into a set. If the set has more than one, they differ.",
        where("compare_recordings", "system.audit", "does this, and looks at connections and times too."),
    ),
    mistakes=(
        Mistake(
            "total length",
            "only the sum of the lengths is compared, but two messages may exchange lengths: keep each, in order.",
            _SET_OF_LENGTHS,
            "{sum(map(len, messages)) for messages in recordings}",
        ),
        Mistake(
            "lengths without order",
            "the order of the lengths is lost: it can carry a message.",
            _SET_OF_LENGTHS,
            "{tuple(sorted(map(len, messages))) for messages in recordings}",
        ),
        Mistake(
            "bytes without order",
            "the order of the messages is lost: a device that asks in another order can spell out labels.",
            _SET_OF_CONTENTS,
            "{tuple(sorted(messages)) for messages in recordings}",
        ),
        Mistake(
            "bytes joined",
            "the messages are joined: where one ends and the next begins is a message, too. Compare them one by one.",
            _SET_OF_CONTENTS,
            "{b''.join(messages) for messages in recordings}",
        ),
        Mistake(
            "first two people",
            "only two people are compared: compare everybody.",
            "number = ",
            "recordings = recordings[:2]\n    number = ",
        ),
        Mistake(
            "neighbours of the first",
            "the first person is left out: compare everybody.",
            "number = ",
            "recordings = recordings[1:]\n    number = ",
        ),
        Mistake(
            "the wrong way round",
            "True is for what differs; here it is for what is the same.",
            "number, lengths, contents\n",
            "not number, not lengths, not contents\n",
        ),
        Mistake(
            "other order",
            "the three answers stand in another order: number, lengths, bytes.",
            "return number, lengths, contents",
            "return contents, lengths, number",
        ),
        Mistake(
            "lengths only",
            "the lengths are given for the bytes: messages of the same lengths may differ in their bytes.",
            _SET_OF_CONTENTS,
            "{tuple(map(len, messages)) for messages in recordings}",
        ),
        Mistake(
            "number for lengths",
            "the number of messages is given for the lengths: as many messages may have other lengths.",
            _SET_OF_LENGTHS,
            "{len(messages) for messages in recordings}",
        ),
    ),
)


# ---- keep-better ----


def keep_better(old: Array, new: Array, y: Array) -> bool:
    """old, new (n, n_classes): probabilities of two models for your validation windows; y (n,): their classes.

    Returns True to take the new model, False to keep the old one.
    """
    windows = np.arange(len(y))
    loss_old = -np.log(old[windows, y]).mean()
    loss_new = -np.log(new[windows, y]).mean()
    return loss_new < loss_old


def _sure(right: list[float], y: Array, n_classes: int = 3) -> Array:
    """Probabilities that give the true class of each window the value of `right`, and share the rest."""
    probabilities = np.repeat((1 - np.asarray(right))[:, None] / (n_classes - 1), n_classes, axis=1)
    probabilities[np.arange(len(y)), y] = right
    return probabilities


_Y = np.array([0, 1, 2, 1])
_OLD = _sure([0.6, 0.5, 0.6, 0.4], _Y)
_NEW_LOSS = "-np.log(new[windows, y]).mean()"
_OLD_LOSS = "-np.log(old[windows, y]).mean()"

KEEP_BETTER = Exercise(
    id="keep-better",
    title="Keep the better model",
    solution=keep_better,
    cases={
        "a better model": (_OLD, _sure([0.8, 0.7, 0.8, 0.7], _Y), _Y),
        "a worse model": (_OLD, _sure([0.3, 0.5, 0.2, 0.4], _Y), _Y),
        "the same model again": (_OLD, _OLD.copy(), _Y),
        "a model of which nothing is left": (_OLD, np.full((4, 3), np.nan), _Y),
        "sure, and mostly right, and once very wrong": (_OLD, _sure([0.9, 0.9, 0.9, 1e-9], _Y), _Y),
        "sure, and once wrong by less": (_OLD, _sure([0.99, 0.99, 0.99, 0.05], _Y), _Y),
        "sure of the wrong classes": (_OLD, _sure([0.01, 0.02, 0.01, 0.01], _Y), _Y),
        "as often right, but surer": (_OLD, _sure([0.9, 0.8, 0.9, 0.4], _Y), _Y),
        "less sure on average, but never far off": (
            _sure([0.98, 0.98, 0.98, 0.02], _Y),
            _sure([0.6, 0.6, 0.6, 0.6], _Y),
            _Y,
        ),
        "less sure, and more often right": (
            np.array([[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]]),
            np.array([[0.5, 0.3, 0.2], [0.2, 0.7, 0.1]]),
            np.array([0, 1]),
        ),
        "one window far better, the others a little worse": (_OLD, _sure([0.99, 0.48, 0.48, 0.48], _Y), _Y),
        "right on the first window only": (_OLD, _sure([0.7, 0.34, 0.34, 0.34], _Y), _Y),
    },
    right="you keep what ours keeps. Below it meets an honest release and a poisoned one.",
    hints=(
        "Which of the two models gives the true classes of your windows more probability? And what if both are the "
        "same, or the new one gives no numbers at all?",
        "Take the probability of each window's true class, then minus its logarithm, then the mean: that is the loss. "
        "Take the new model only if its loss is lower. With NaN every comparison is False: let that keep the old one.",
        where("keep_better", "activity.similar", "does this for two models."),
    ),
    mistakes=(
        Mistake(
            "the worse one",
            "this keeps the worse model: a lower loss is better.",
            "loss_new < loss_old",
            "loss_new > loss_old",
        ),
        Mistake(
            "a tie moves",
            "an equal model is taken: without a reason to change, keep the old one.",
            "loss_new < loss_old",
            "loss_new <= loss_old",
        ),
        Mistake(
            "not a number",
            "a model that gives no numbers (NaN) is taken. A comparison with NaN is False: ask whether the new one is "
            "better, not whether it is worse.",
            "return loss_new < loss_old",
            "return not loss_new >= loss_old",
        ),
        Mistake(
            "always", "every update is taken: compare the two losses.", "return loss_new < loss_old", "return True"
        ),
        Mistake(
            "never", "no update is ever taken: compare the two losses.", "return loss_new < loss_old", "return False"
        ),
        Mistake(
            "accuracy",
            "this compares how often the models are right: with few windows that hardly tells them apart. Compare the "
            "losses.",
            f"loss_old = {_OLD_LOSS}\n    loss_new = {_NEW_LOSS}",
            "loss_old = (old.argmax(1) != y).mean()\n    loss_new = (new.argmax(1) != y).mean()",
        ),
        Mistake(
            "most sure",
            "this asks how sure the models are, right or wrong: take the probability of the true class.",
            f"loss_old = {_OLD_LOSS}\n    loss_new = {_NEW_LOSS}",
            "loss_old = -np.log(old.max(1)).mean()\n    loss_new = -np.log(new.max(1)).mean()",
        ),
        Mistake(
            "without the logarithm",
            "this compares mean probabilities: one window that is very wrong hardly counts. Take the logarithm first.",
            f"loss_old = {_OLD_LOSS}\n    loss_new = {_NEW_LOSS}",
            "loss_old = -old[windows, y].mean()\n    loss_new = -new[windows, y].mean()",
        ),
        Mistake(
            "squared error",
            "this compares squared errors. They grow little where a model is sure and wrong: take minus the logarithm.",
            f"loss_old = {_OLD_LOSS}\n    loss_new = {_NEW_LOSS}",
            "loss_old, loss_new = (((1 - each[windows, y]) ** 2).mean() for each in (old, new))",
        ),
        Mistake(
            "every column",
            "new[:, y] takes the probability of every label in every window. Give the row numbers, too.",
            f"loss_old = {_OLD_LOSS}\n    loss_new = {_NEW_LOSS}",
            "loss_old = -np.log(old[:, y]).mean()\n    loss_new = -np.log(new[:, y]).mean()",
        ),
        Mistake(
            "median",
            "this compares medians: one window that is very wrong then hardly counts. Take the mean.",
            f"loss_old = {_OLD_LOSS}\n    loss_new = {_NEW_LOSS}",
            "loss_old = np.median(-np.log(old[windows, y]))\n    loss_new = np.median(-np.log(new[windows, y]))",
        ),
        Mistake(
            "one window",
            "only the first window decides: take the mean over all of them.",
            f"loss_old = {_OLD_LOSS}\n    loss_new = {_NEW_LOSS}",
            "loss_old = -np.log(old[windows, y])[0]\n    loss_new = -np.log(new[windows, y])[0]",
        ),
    ),
)


# ---- choose-donors ----


def choose_donors(probabilities: Array, y: Array, n: int) -> Array:
    """probabilities (n_donors, n_windows, n_classes): what each donor's model says of your windows; y (n_windows,).

    Returns (n,) int: the donors (from 0) with the lowest mean loss on your windows, the best first; of equal donors the
    lower number first.
    """
    windows = np.arange(len(y))
    losses = -np.log(probabilities[:, windows, y]).mean(axis=1)
    return np.argsort(losses, kind="stable")[:n]


_RNG = np.random.default_rng(71)
_DONOR_Y = _RNG.integers(0, 4, 9)
_DONORS = _RNG.dirichlet(np.full(4, 0.7), (7, 9)) * 0.96 + 0.01
_BEST = np.full((9, 4), 0.02) + 0.9 * np.eye(4)[_DONOR_Y]
_TWINS = np.stack([_DONORS[2], _DONORS[0], _DONORS[2], _DONORS[0]])
_LOSSES = "-np.log(probabilities[:, windows, y]).mean(axis=1)"
_LOWEST = 'np.argsort(losses, kind="stable")[:n]'

CHOOSE_DONORS = Exercise(
    id="choose-donors",
    title="Choose similar users at home",
    solution=choose_donors,
    cases={
        "three donors by hand": (
            np.array([[[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.2, 0.8]], [[0.999, 0.001], [0.9, 0.1]]]),
            np.array([0, 1]),
            2,
        ),
        "seven donors": (_DONORS, _DONOR_Y, 3),
        "all of them": (_DONORS, _DONOR_Y, 7),
        "one of them": (_DONORS[::-1], _DONOR_Y, 1),
        "donors who are alike": (_TWINS, _DONOR_Y, 4),
        "twenty equal donors and a better one": (
            np.concatenate([np.repeat(_DONORS[:1], 20, axis=0), _BEST[None]]),
            _DONOR_Y,
            20,
        ),
        "other windows": (_DONORS[:, :4], _DONOR_Y[:4], 4),
    },
    right="you choose the donors that ours chooses. Below you see whether they help one person.",
    hints=(
        "A donor is similar to you if their model finds your windows easy. How did you measure that in the last "
        "exercise?",
        "For each donor: the probability of the true class of each window, minus its logarithm, the mean over windows. "
        "Then argsort, and the first n. Donors of equal loss stay in their order.",
        where("choose_donors", "activity.similar", "does this with models."),
    ),
    mistakes=(
        Mistake(
            "least similar",
            "these donors have the highest loss: take the lowest.",
            _LOWEST,
            'np.argsort(-losses, kind="stable")[:n]',
        ),
        Mistake(
            "best last",
            "the best donor stands last: put it first.",
            _LOWEST,
            'np.argsort(losses, kind="stable")[:n][::-1]',
        ),
        Mistake("last of the order", "these are the last n of the order: take the first n.", "[:n]", "[-n:]"),
        Mistake(
            "accuracy",
            "this counts how often each model is right, and with few windows many donors are equal: use the loss.",
            _LOSSES,
            "(probabilities.argmax(axis=2) != y).mean(axis=1)",
        ),
        Mistake(
            "without the logarithm",
            "this is the mean probability: take the logarithm before the mean.",
            _LOSSES,
            "-probabilities[:, windows, y].mean(axis=1)",
        ),
        Mistake(
            "most sure",
            "this asks how sure each model is, right or wrong: take the probability of the true class.",
            _LOSSES,
            "-np.log(probabilities.max(axis=2)).mean(axis=1)",
        ),
        Mistake(
            "every column",
            "probabilities[:, :, y] takes every window's probability of every label: give the window numbers, too.",
            _LOSSES,
            "-np.log(probabilities[:, :, y]).mean(axis=(1, 2))",
        ),
        Mistake("from one", "donors are numbered from 0, as argsort gives them.", "[:n]", "[:n] + 1"),
        Mistake(
            "worst window",
            "only each donor's worst window counts: take the mean over windows.",
            ".mean(axis=1)",
            ".max(axis=1)",
        ),
        Mistake(
            "ranks",
            "these are ranks, one per donor: return the donors themselves.",
            _LOWEST,
            "np.argsort(np.argsort(losses, kind='stable'), kind='stable')[:n]",
        ),
        Mistake("losses", "these are losses: return which donors have them.", _LOWEST, "np.sort(losses)[:n]"),
        Mistake("too many", "this returns every donor: return the first n.", "[:n]", ""),
        Mistake(
            "equal donors",
            "donors of equal loss stand in another order: keep them in the order of their numbers.",
            _LOWEST,
            "np.lexsort((-np.arange(len(losses)), losses))[:n]",
        ),
    ),
)


EXERCISES = (ACCEPT, FIND_LEAK, KEEP_BETTER, CHOOSE_DONORS)


# ---- quiz ----

QUESTIONS = (
    Question(
        "A mirror is run by somebody whom you do not trust. What can it do to a device that checks signatures?",
        {
            "Give it a model of its own": "The device knows the cloud's key. A model that another key signed is "
            "refused, whatever the server says.",
            "Give it an old model for ever, unnoticed": "An old version is refused by a device that has seen a newer "
            "one, and every manifest has a last day.",
            "Refuse to serve, or hold a model back until it expires": "Nobody can force a server to answer. The "
            "device asks another one; the expiry date says how long it can be kept in the dark.",
        },
        right="Refuse to serve, or hold a model back until it expires",
    ),
    Question(
        "An audit finds the same bytes, lengths and number of messages for all private data. What does it prove?",
        {
            "That nothing about the data leaves the device": "Times are a message too, and a device may behave for as "
            "long as it is watched. The audit is evidence.",
            "Nothing: only the code can prove it": "It found the devices that use bytes or lengths. But the proof is "
            "in the code: the function that makes the questions gets no data.",
            "That these channels were silent in these runs": "So it is evidence. The proof is that the function which "
            "makes the questions takes no private data.",
        },
        right="That these channels were silent in these runs",
    ),
    Question(
        "In federated averaging everybody keeps their data. What do they send instead, and is it less?",
        {
            "Models, which are always fewer bytes": "One model has about as many bytes as a person's feature table "
            "here, and it is sent in every round.",
            "Models, which may tell about the data": "In each round weights go up that were trained on the data. How "
            "much an attack reads depends on what is sent: a gradient on one window tells it whole.",
            "Nothing that depends on the data": "The weights were trained on the data, so they depend on it. In this "
            "paper's design a device sends nothing of the kind.",
        },
        right="Models, which may tell about the data",
    ),
)
