"""Notebook 03's exercises and quiz: a Gibbs update, words of your own, the other half of a document, one weight."""

from collections.abc import Sequence

import numpy as np

from pmt_helpers.teaching.exercises.base import Exercise, Mistake, where
from pmt_helpers.teaching.questions import Question

Array = np.ndarray


def topic_probabilities(
    word_topic: Array, doc_topic: Array, word: int, doc: int, topic: int, alpha: float, beta: float
) -> Array:
    """Probabilities of each topic for one token, (n_topics,), given the topics of all others.

    word_topic (n_words, n_topics), doc_topic (n_docs, n_topics): counts that still have the token in `topic`.
    """
    token = np.arange(word_topic.shape[1]) == topic
    in_document = doc_topic[doc] - token
    of_word = word_topic[word] - token
    in_all = word_topic.sum(axis=0) - token
    weights = (in_document + alpha) * (of_word + beta) / (in_all + len(word_topic) * beta)
    return weights / weights.sum()


def _tokens() -> dict[str, tuple[Array, Array, int, int, int, float, float]]:
    """Every topic has tokens left without this one, so that a forgotten beta divides by no zero."""
    word_topic = np.array([[5, 0, 2], [1, 4, 0], [0, 3, 3], [2, 0, 6]])
    doc_topic = np.array([[6, 1, 3], [2, 6, 8]])
    rng = np.random.default_rng(9)
    wide = rng.poisson(0.7, (30, 5)) + np.eye(30, 5, dtype=int)
    rows = rng.multinomial(wide.sum(axis=0), [0.5, 0.3, 0.2]).T
    return {
        "four words, three topics": (word_topic, doc_topic, 1, 1, 1, 0.5, 0.1),
        "the only one of its word in its topic": (word_topic, doc_topic, 1, 0, 0, 2.0, 0.3),
        "thirty words, five topics": (wide, rows, 2, 1, int(wide[2].argmax()), 10.0, 0.02),
    }


_WEIGHTS = "(in_document + alpha) * (of_word + beta) / (in_all + len(word_topic) * beta)"
_N_BETA = "len(word_topic) * beta"
_TOTALS = "word_topic.sum(axis=0)"
_ONE_LEFT = "some counts still contain the token: subtract it from its word's row, its document's row and the totals."
_N_WORDS = "the denominator is wrong: add n_words times beta to each topic's total."

GIBBS_UPDATE = Exercise(
    id="gibbs-update",
    title="One token finds its topic",
    solution=topic_probabilities,
    cases=_tokens(),
    right="your probabilities agree with ours. The sampler draws the token's topic from them, and goes on to the next "
    "token.",
    hints=(
        "The token must not count for its own topic. In how many of the counts is it now?",
        "Make an array that is 1 at the token's topic and 0 elsewhere. Subtract it from the word's row, the document's "
        "row and the totals of all topics. Multiply (document + alpha) by (word + beta), divide by (total + n_words "
        "times beta), and divide all by their sum.",
        where("sweep", "topics.gibbs_reference", "does it for one token after another, and draws their topics."),
    ),
    mistakes=(
        Mistake(
            "token not taken out",
            "the token counts for the topic it already has: subtract it from the counts first.",
            "token = np.arange(word_topic.shape[1]) == topic",
            "token = 0",
        ),
        Mistake("left in the document", _ONE_LEFT, "doc_topic[doc] - token", "doc_topic[doc]"),
        Mistake("left in the word", _ONE_LEFT, "word_topic[word] - token", "word_topic[word]"),
        Mistake("left in the totals", _ONE_LEFT, f"{_TOTALS} - token", _TOTALS),
        Mistake(
            "taken out of the document only",
            _ONE_LEFT,
            f"word_topic[word] - token\n    in_all = {_TOTALS} - token",
            f"word_topic[word]\n    in_all = {_TOTALS}",
        ),
        Mistake("n_words beta forgotten", _N_WORDS, f"(in_all + {_N_BETA})", "in_all"),
        Mistake("beta only", _N_WORDS, _N_BETA, "beta"),
        Mistake("n_topics for n_words", _N_WORDS, _N_BETA, "word_topic.shape[1] * beta"),
        Mistake(
            "no totals",
            "large topics get too high a probability: divide by each topic's total.",
            f" / (in_all + {_N_BETA})",
            "",
        ),
        Mistake(
            "not normalised",
            "the probabilities do not sum to one: divide them by their sum.",
            "return weights / weights.sum()",
            "return weights",
        ),
        Mistake(
            "alpha and beta swapped",
            "alpha and beta are swapped: alpha is for topics in a document, beta for words in a topic.",
            _WEIGHTS,
            "(in_document + beta) * (of_word + alpha) / (in_all + len(word_topic) * alpha)",
        ),
        Mistake(
            "only the document",
            "the word is not used: multiply by its share in each topic.",
            _WEIGHTS,
            "in_document + alpha",
        ),
        Mistake(
            "only the word",
            "the document is not used: multiply by its counts plus alpha.",
            "(in_document + alpha) * ",
            "",
        ),
    ),
    fallback=Mistake(
        "other values",
        "the probabilities are wrong: check the three counts, then alpha, beta and n_words times beta.",
        "doc_topic[doc] - token",
        "doc_topic[doc] - 2 * token",
    ),
)


def grow_topics(
    phi: Array, words: Sequence[str], documents: Sequence[Sequence[str]], no_below: int
) -> tuple[Array, Array]:
    """Counts (n_docs, n_grown) and topics (n_topics, n_grown) over the shared words and, behind them, new ones.

    words: of the columns of phi.
    """
    once_each = [word for document in documents for word in set(document)]
    new = sorted(word for word in set(once_each) - set(words) if once_each.count(word) >= no_below)
    grown = [*words, *new]
    counts = np.array([[document.count(word) for word in grown] for document in documents])
    wide = np.hstack([phi, np.repeat(phi.min(axis=1, keepdims=True), len(new), axis=1)])
    return counts, wide / wide.sum(axis=1, keepdims=True)


def _texts() -> dict[str, tuple[Array, list[str], list[list[str]], int]]:
    """The shared words are not in alphabetical order. Some new words come often, but in one document."""
    words = ["river", "bank", "loan", "goal", "match"]
    phi = np.array([[0.30, 0.25, 0.05, 0.30, 0.10], [0.02, 0.28, 0.40, 0.20, 0.10], [0.11, 0.09, 0.10, 0.20, 0.50]])
    news = [
        ["storm", "river", "storm", "river", "flood", "match", "storm"],
        ["flood", "bank", "loan", "bank", "dam", "budget"],
        ["goal", "match", "goal", "coach", "storm", "budget"],
        ["coach", "referee", "referee", "referee", "goal", "dam", "flood"],
    ]
    return {
        "four news texts, words in two of them": (phi, words, news, 2),
        "words in three of them": (phi, words, news, 3),
        "words that come once": (phi, words, [["storm", "river"], ["bank"]], 1),
        "no new words": (phi, words, [["goal", "match", "goal"], ["loan"]], 1),
    }


_ENOUGH = " if once_each.count(word) >= no_below"
_NEW = f"sorted(word for word in set(once_each) - set(words){_ENOUGH})"
_GROWN = "[*words, *new]"
_COLUMNS = "np.repeat(phi.min(axis=1, keepdims=True), len(new), axis=1)"
_COUNTS = "    counts = np.array([[document.count(word) for word in grown] for document in documents])\n"
_TOPICS = "wide / wide.sum(axis=1, keepdims=True)"
_MOVED = "shared words have moved: leave their columns where they are, and put new words after them."

GROW_DICTIONARY = Exercise(
    id="grow-dictionary",
    title="Words of your own",
    solution=grow_topics,
    cases=_texts(),
    right="your counts and topics agree with ours. Shared columns keep their meaning, and new words can be learnt at "
    "home.",
    hints=(
        "Each column of phi is about one shared word. Which order of all words keeps that true?",
        "For every new word, count the documents that have it. Sort the new words that are in no_below documents or "
        "more, and put them after the shared words. Count all these words in each document. For each new word, add a "
        "column to phi with each row's smallest value. Then divide each row by its sum.",
        where(
            "extend_vocabulary",
            "topics.personal",
            "adds the columns; keep_words in pmt_helpers/datasets/text.py chooses the words.",
        ),
    ),
    mistakes=(
        Mistake("sorted together", _MOVED, _GROWN, "sorted([*words, *new])"),
        Mistake(
            "sorted together, phi too",
            _MOVED,
            f"return counts, {_TOPICS}",
            f"order = np.argsort(grown)\n    return counts[:, order], ({_TOPICS})[:, order]",
        ),
        Mistake(
            "new words in front",
            _MOVED,
            f"{_GROWN}\n{_COUNTS}    wide = np.hstack([phi, {_COLUMNS}])",
            f"[*new, *words]\n{_COUNTS}    wide = np.hstack([{_COLUMNS}, phi])",
        ),
        Mistake("new words in front in the counts", _MOVED, _GROWN, "[*new, *words]"),
        Mistake("never grows", "new words are dropped: add those that are in no_below documents or more.", _NEW, "[]"),
        Mistake(
            "tokens counted",
            "no_below is a number of documents: count a word once in each document.",
            "set(document)",
            "document",
        ),
        Mistake(
            "more than no_below",
            "words that are in exactly no_below documents are missing: add them too.",
            ">= no_below",
            "> no_below",
        ),
        Mistake(
            "every new word",
            "no_below is not used: keep only new words that are in no_below documents or more.",
            _ENOUGH,
            "",
        ),
        Mistake(
            "as they come",
            "the new words are not sorted: sort them, so that the order of documents does not matter.",
            _NEW,
            "[word for word in dict.fromkeys(sum(documents, [])) if word not in words\n"
            "        and once_each.count(word) >= no_below]",
        ),
        Mistake(
            "presence",
            "each word counts once per document here: count every occurrence.",
            "document.count(word) for",
            "word in document for",
        ),
        Mistake(
            "rare shared words not counted",
            "shared words that few of your documents have are not counted: no_below is for new words only.",
            "document.count(word) for",
            "document.count(word) * (once_each.count(word) >= no_below) for",
        ),
        Mistake(
            "impossible words",
            "new words have no chance, or hardly any, to belong to a topic: use each row's smallest value.",
            _COLUMNS,
            "np.zeros((len(phi), len(new)))",
        ),
        Mistake(
            "one for all topics",
            "all topics get the same value for new words: use the smallest value of each row.",
            _COLUMNS,
            "np.full((len(phi), len(new)), phi.min())",
        ),
        Mistake(
            "columns scaled",
            "columns are scaled to sum to one: a topic is a row, so divide each row by its sum.",
            _TOPICS,
            "wide / wide.sum(axis=0)",
        ),
        Mistake("rows not scaled", "the rows of phi do not sum to one: divide each by its sum.", _TOPICS, "wide"),
    ),
)


def completion_bits(phi: Array, seen: Array, unseen: Array, alpha: float, iterations: int) -> float:
    """Mean log2 probability of an unseen token. phi (n_topics, n_words); seen, unseen (n_words,): counts."""
    theta = np.full(len(phi), 1 / len(phi))
    for _ in range(iterations):
        from_topic = theta[:, None] * phi
        from_topic = from_topic / from_topic.sum(axis=0)
        theta = alpha + from_topic @ seen
        theta = theta / theta.sum()
    return unseen @ np.log2(theta @ phi) / unseen.sum()


def _halves() -> dict[str, tuple[Array, Array, Array, float, int]]:
    """Documents whose two halves are about different things."""
    rng = np.random.default_rng(10)
    phi = np.array([[0.40, 0.30, 0.15, 0.05, 0.05, 0.05], [0.05, 0.05, 0.05, 0.20, 0.25, 0.40]])
    dirichlet = rng.dirichlet(np.full(40, 0.3), 5) + 1e-3
    wide = dirichlet / dirichlet.sum(axis=1, keepdims=True)
    seen, unseen = (rng.multinomial(60, share @ wide) for share in ([0.7, 0.3, 0, 0, 0], [0.1, 0.2, 0.7, 0, 0]))
    return {
        "two topics, six words": (phi, np.array([3, 1, 0, 1, 0, 0]), np.array([1, 0, 2, 0, 0, 4]), 0.5, 20),
        "forty words, five topics": (wide, seen, unseen, 0.3, 10),
        "a single iteration": (phi, np.array([0, 4, 0, 0, 1, 0]), np.array([2, 0, 0, 3, 0, 0]), 1.0, 1),
        "the last word": (phi, np.array([1, 0, 0, 0, 0, 5]), np.array([0, 2, 0, 0, 0, 3]), 0.1, 3),
        "nothing seen": (phi, np.zeros(6, int), np.array([0, 0, 0, 0, 2, 1]), 0.5, 5),
    }


_RANGE = "range(iterations)"
_SEEN = "from_topic @ seen"
_LENGTH = "/ unseen.sum()"
_SCORE = f"unseen @ np.log2(theta @ phi) {_LENGTH}"
# Stops where nothing was seen, as answers with np.average do; those that give NaN there are compared on other cases.
_SEEN_SCORE = "np.average(np.log2(theta @ phi), weights=seen)"
_NORMALISE = "\n        theta = theta / theta.sum()"
_PER_TOKEN = "this is not a mean over tokens: multiply by each word's count, and divide by the sum of the counts."
_UNSEEN_USED = "theta uses the unseen half, which is the answer: compute it from the seen half alone."

DOCUMENT_COMPLETION = Exercise(
    id="document-completion",
    title="Predict the other half",
    solution=completion_bits,
    cases=_halves(),
    right="your bits agree with ours. theta does not use the unseen half, so learning by heart does not help here.",
    hints=(
        "Which half may tell you what the document is about? Which half may only be scored?",
        "Start with a theta of equal shares. Then repeat: multiply theta by a word's column of phi, and divide by "
        "the sum. These are the word's topic shares. Add them up over the seen tokens (repeated words count again) "
        "and add alpha. Divided by its sum, this is the new theta. At the end, theta times phi gives each word's "
        "probability. Average its log2 over the unseen tokens.",
        where("complete_reference", "topics.evaluation", "does it for many documents."),
    ),
    mistakes=(
        Mistake(
            "natural logarithm",
            "this is the natural logarithm: use the logarithm to base 2, for bits.",
            "np.log2",
            "np.log",
        ),
        Mistake(
            "log10", "this is the logarithm to base 10: use the logarithm to base 2, for bits.", "np.log2", "np.log10"
        ),
        Mistake(
            "one iteration short", "one iteration is missing: use range(iterations).", _RANGE, "range(1, iterations)"
        ),
        Mistake(
            "one iteration more",
            "this is one iteration too many: use range(iterations).",
            _RANGE,
            "range(iterations + 1)",
        ),
        Mistake(
            "sign", "the sign is wrong: the logarithm of a probability is negative.", "return unseen", "return -unseen"
        ),
        Mistake("both halves", _UNSEEN_USED, _SEEN, "from_topic @ (seen + unseen)"),
        Mistake("only the unseen half", _UNSEEN_USED, _SEEN, "from_topic @ unseen"),
        Mistake(
            "seen half scored", "this scores the half that gave theta: score the unseen half.", _SCORE, _SEEN_SCORE
        ),
        Mistake(
            "halves swapped",
            "the halves are swapped: compute theta from the seen one, and score the unseen one.",
            f"{_SEEN}{_NORMALISE}\n    return {_SCORE}",
            f"from_topic @ unseen{_NORMALISE}\n    return {_SEEN_SCORE}",
        ),
        Mistake("each unseen word once", _PER_TOKEN, _SCORE, "np.log2(theta @ phi)[unseen > 0].mean()"),
        Mistake("divided by distinct words", _PER_TOKEN, _LENGTH, "/ (unseen > 0).sum()"),
        Mistake("divided by the vocabulary", _PER_TOKEN, _LENGTH, "/ len(unseen)"),
        Mistake("sum", "this is the sum over unseen tokens: divide by their number.", f" {_LENGTH}", ""),
        Mistake(
            "logarithm of the mean",
            "this is the logarithm of a mean: take each token's logarithm first, then the mean.",
            _SCORE,
            f"np.log2(unseen @ (theta @ phi) {_LENGTH})",
        ),
        Mistake(
            "each seen word once",
            "theta counts each word once: use how often each was seen.",
            _SEEN,
            "from_topic @ (seen > 0)",
        ),
        Mistake(
            "alpha forgotten",
            "alpha is missing: without it, topics that are not in the seen half get almost no probability.",
            "alpha + from_topic",
            "from_topic",
        ),
        Mistake(
            "shares without their sum",
            "theta times phi must sum to one over the topics: divide each column by its sum.",
            "        from_topic = from_topic / from_topic.sum(axis=0)\n",
            "",
        ),
        Mistake(
            "normalised over words",
            "these shares sum to one over the words, but they must over the topics: divide each column by its sum.",
            "from_topic.sum(axis=0)",
            "from_topic.sum(axis=1, keepdims=True)",
        ),
        Mistake(
            "theta not normalised",
            "theta does not sum to one: divide it by its sum.",
            "        theta = theta / theta.sum()\n",
            "",
        ),
        Mistake(
            "always from the start",
            "this is theta after one iteration: start each iteration from the theta of the one before.",
            "theta[:, None] * phi",
            "phi",
        ),
        Mistake(
            "equal shares",
            "theta never changes: assign the result of each iteration to theta.",
            f"theta = alpha + {_SEEN}{_NORMALISE}",
            f"found = alpha + {_SEEN}{_NORMALISE.replace('theta', 'found')}",
        ),
    ),
)


def choose_weight(weights: Array, validation: Array, test: Array) -> tuple[float, float]:
    """weights (n_weights,); validation, test (n_seeds, n_weights): bits per word.

    Returns the weight with the highest mean validation over seeds, and its mean test.
    """
    best = validation.mean(axis=0).argmax()
    return weights[best], test[:, best].mean()


def _tables() -> dict[str, tuple[Array, Array, Array]]:
    """Tables in which every way of choosing takes another weight."""
    validation = [
        [-11.2, -10.9, -10.2, -10.6, -11.6],
        [-11.1, -10.8, -10.7, -10.5, -11.7],
        [-11.3, -11.0, -10.8, -10.7, -10.1],
        [-11.4, -10.4, -10.5, -10.6, -12.0],
    ]
    test = [
        [-11.0, -10.7, -10.9, -10.8, -11.5],
        [-11.3, -10.5, -10.6, -10.7, -11.9],
        [-11.2, -10.6, -10.7, -10.9, -11.8],
        [-11.4, -10.8, -10.8, -10.8, -11.6],
    ]
    three = np.array([[-9.9, -9.6, -9.8, -9.7], [-10.4, -10.3, -9.9, -10.2], [-10.0, -10.1, -9.9, -10.3]])
    reversed_three = three[:, ::-1] + np.array([0.1, 0.2, -0.3, 0.1])
    return {
        "four seeds, five weights": (np.array([0.01, 0.1, 1.0, 10.0, 100.0]), np.array(validation), np.array(test)),
        "three seeds, four weights": (np.array([0.3, 1.0, 3.0, 30.0]), three, reversed_three),
        "the last one is best": (np.array([1.0, 2.0, 3.0]), np.array([[-9, -8.5, -8], [-9, -8.6, -7]]), -three[:2, :3]),
        "a seed far off": (
            np.array([6.0, 7.0, 5.0]),
            np.array([[-8.0, -8.2, -8.3], [-8.0, -8.2, -8.3], [-14.0, -8.2, -8.1]]),
            np.array([[-8.4, -8.3, -8.6], [-8.5, -8.1, -8.7], [-13.0, -8.2, -8.5]]),
        ),
        "one seed": (np.array([2.0, 4.0, 8.0]), np.array([[-8.1, -7.9, -8.4]]), np.array([[-8.6, -8.5, -8.2]])),
    }


_BEST = "validation.mean(axis=0).argmax()"
_TEST = "test[:, best].mean()"
_CHOICE = f"{_BEST}\n    return weights[best], {_TEST}"
_OWN_CHOICE = "validation.argmax(axis=1)\n    return weights[best]"
_OWN_BITS = "test[range(len(test)), best]"
_ONE_FOR_ALL = "each seed chooses its own weight: average validation over the seeds, then choose one weight for all."

CHOOSE_WEIGHT = Exercise(
    id="choose-weight",
    title="How much to trust the cloud",
    solution=choose_weight,
    cases=_tables(),
    right="validation chose the weight, and the test measured it. If the test had chosen, its bits would be too high.",
    hints=(
        "Which table may choose? Which may only measure the choice? Are -10 bits per word better or worse than -11?",
        "Average the validation table over its seeds: one value per weight. Find the index of the highest value. "
        "Return the weight at that index, and the mean of the test table's column there.",
        where("best_weight", "topics.prior_weight", "chooses; it never sees a test document."),
    ),
    mistakes=(
        Mistake(
            "chosen by test", "this chooses by the test: choose by validation.", "best = validation", "best = test"
        ),
        Mistake(
            "lowest",
            "this takes the lowest value: -10 bits are better than -11, so take the highest.",
            "argmax",
            "argmin",
        ),
        Mistake(
            "validation reported",
            "the weight is right, but its validation bits are too high, because they chose it: return its test bits.",
            _TEST,
            "validation[:, best].mean()",
        ),
        Mistake(
            "highest of the test",
            "the weight is right, but the bits are those of another weight: return the test bits of the chosen one.",
            _TEST,
            "test.mean(axis=0).max()",
        ),
        Mistake("per seed", _ONE_FOR_ALL, _CHOICE, f"{_OWN_CHOICE}, {_OWN_BITS}.mean()"),
        Mistake("per seed, all values", _ONE_FOR_ALL, _CHOICE, f"{_OWN_CHOICE}, {_OWN_BITS}"),
        Mistake("per seed, averaged", _ONE_FOR_ALL, _CHOICE, f"{_OWN_CHOICE}.mean(), {_OWN_BITS}.mean()"),
        Mistake(
            "by vote",
            "this takes the weight that is best for most seeds: average the bits first, because their size counts too.",
            _BEST,
            "np.bincount(validation.argmax(axis=1)).argmax()",
        ),
        Mistake(
            "by the luckiest seed",
            "this takes the highest single value, which may be luck: average over the seeds first.",
            "mean(axis=0).argmax()",
            "argmax() % len(weights)",
        ),
        Mistake(
            "median",
            "this takes the weight with the best median: use the mean over seeds.",
            _BEST,
            "np.median(validation, axis=0).argmax()",
        ),
        Mistake("over weights", "this averages over weights: average over seeds (axis 0).", "axis=0", "axis=1"),
        Mistake("place", "this returns the index of the weight: return the weight itself.", "weights[best]", "best"),
        Mistake(
            "swapped",
            "the two values are swapped: return the weight first.",
            f"weights[best], {_TEST}",
            f"{_TEST}, weights[best]",
        ),
    ),
)

EXERCISES = (GROW_DICTIONARY, DOCUMENT_COMPLETION, CHOOSE_WEIGHT, GIBBS_UPDATE)

QUESTIONS = (
    Question(
        "On your training words the personal model's likelihood starts far above the local one's. What does this show?",
        {
            "That the personal model will predict new texts better": "The curve is about the training words. On "
            "held-out documents the early lead fades: the sampler forgets where it started.",
            "That its first topics already fit your words": "This is all it shows: a better start, and fewer "
            "iterations to the same likelihood. Only held-out texts show what remains.",
            "Nothing: random topics start as high": "They do not: the curves start apart and come together. The lead "
            "is real, but only on training words, and only for some iterations.",
        },
        right="That its first topics already fit your words",
    ),
    Question(
        "A personal model is said to need 38% fewer iterations. What must you know before you believe that number?",
        {
            "The likelihood at which the two were compared": "With a low target the shared start saves many "
            "iterations. With a high target it saves few, or needs more.",
            "How many seconds an iteration takes": "An iteration takes equally long for both models, so the 38% stay "
            "the same.",
            "Only that the seed was fixed": "A fixed seed makes the number repeatable, not robust. Another seed or "
            "target changes it.",
        },
        right="The likelihood at which the two were compared",
    ),
    Question(
        "Documents stay at home, but a topic-word matrix made from them is published. What does it tell about the "
        "documents?",
        {
            "Nothing: it holds averages over topics": "Averages of few documents tell much about each one. If beta is "
            "small and known, the counts can be computed from the probabilities.",
            "Only which words are frequent in general": "Its words are those of these documents. It shows that a rare "
            "name occurs, and with which words.",
            "Which words they hold, and how often": "The probabilities are counts plus beta, scaled: notebook 05 "
            "recovers the counts. Keep such a matrix at home, like the documents.",
        },
        right="Which words they hold, and how often",
    ),
)
