"""Notebook 03's exercises and quiz: a Gibbs update, words of your own, the other half of a document, one weight."""

from collections.abc import Sequence

import numpy as np

from pmt_helpers.teaching.exercises.base import Exercise, Mistake
from pmt_helpers.teaching.questions import Question

Array = np.ndarray


# ---- gibbs-update ----


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
    word, doc = 2, 1
    return {
        "four words, three topics": (word_topic, doc_topic, 1, 1, 1, 0.5, 0.1),
        "the only one of its word in its topic": (word_topic, doc_topic, 1, 0, 0, 2.0, 0.3),
        "thirty words, five topics": (wide, rows, word, doc, int(wide[word].argmax()), 10.0, 0.02),
    }


_WEIGHTS = "(in_document + alpha) * (of_word + beta) / (in_all + len(word_topic) * beta)"
_ONE_LEFT = (
    "the token is taken out in one place and left in another. It counts three times: in its word's row, in its "
    "document's row, and in the total of its topic."
)
_N_WORDS = (
    "something is wrong in the denominator. Every word of the vocabulary has a beta of its own, so a topic's total "
    "grows by n_words times beta."
)

GIBBS_UPDATE = Exercise(
    id="gibbs-update",
    title="One token finds its topic",
    solution=topic_probabilities,
    cases=_tokens(),
    right="your probabilities agree with ours, and the tables are as they were. The sampler draws one topic from them, "
    "puts the token back there, and goes on to the next.",
    hints=(
        "A token must not vote for itself. In how many counts is it, before you ask where it should go?",
        "Make an array that is one at the token's topic and zero elsewhere. Subtract it from the row of the word, from "
        "the row of the document, and from the total of every topic. Document's row plus alpha, times word's row plus "
        "beta, divided by the totals plus n_words times beta; then divide by the sum over topics.",
        "sweep in pmt_helpers/topics/gibbs_reference.py does it for token after token, and draws.",
    ),
    mistakes=(
        Mistake(
            "token not taken out",
            "the token still counts for the topic that it has, so it votes for staying there. Take it out of the "
            "counts first.",
            "token = np.arange(word_topic.shape[1]) == topic",
            "token = 0",
        ),
        Mistake("left in the document", _ONE_LEFT, "doc_topic[doc] - token", "doc_topic[doc]"),
        Mistake("left in the word", _ONE_LEFT, "word_topic[word] - token", "word_topic[word]"),
        Mistake("left in the totals", _ONE_LEFT, "word_topic.sum(axis=0) - token", "word_topic.sum(axis=0)"),
        Mistake(
            "taken out of the document only",
            _ONE_LEFT,
            "word_topic[word] - token\n    in_all = word_topic.sum(axis=0) - token",
            "word_topic[word]\n    in_all = word_topic.sum(axis=0)",
        ),
        Mistake("n_words beta forgotten", _N_WORDS, "(in_all + len(word_topic) * beta)", "in_all"),
        Mistake("beta only", _N_WORDS, "len(word_topic) * beta", "beta"),
        Mistake("n_topics for n_words", _N_WORDS, "len(word_topic) * beta", "word_topic.shape[1] * beta"),
        Mistake(
            "no totals",
            "this does not divide by the size of the topics, so a large topic takes every word. What counts is the "
            "word's share of the topic: divide by the topic's total.",
            " / (in_all + len(word_topic) * beta)",
            "",
        ),
        Mistake(
            "not normalised",
            "these are weights, right in proportion, but they do not sum to one. Divide them by their sum.",
            "return weights / weights.sum()",
            "return weights",
        ),
        Mistake(
            "alpha and beta swapped",
            "alpha and beta are swapped. alpha belongs to topics in a document, beta to words in a topic.",
            _WEIGHTS,
            "(in_document + beta) * (of_word + alpha) / (in_all + len(word_topic) * alpha)",
        ),
        Mistake(
            "only the document",
            "this asks only which topics the document has. Multiply by how much of each topic is this word.",
            _WEIGHTS,
            "in_document + alpha",
        ),
        Mistake(
            "only the word",
            "this asks only which topics the word has. Multiply by how much of the document each topic has.",
            "(in_document + alpha) * ",
            "",
        ),
    ),
    fallback=Mistake(
        "other values",
        "the shape is right, the probabilities are not. Each topic needs three counts without this token: in the "
        "document, of the word, and in all. Then alpha, beta and n_words times beta are added.",
        "doc_topic[doc] - token",
        "doc_topic[doc] - 2 * token",
    ),
)


# ---- grow-dictionary ----


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
    """Shared words in no alphabetical order, and rare new ones that come often where they come."""
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
        "no new words": (phi, words, [["goal", "match", "goal"], ["loan"]], 1),
    }


_NEW = "sorted(word for word in set(once_each) - set(words) if once_each.count(word) >= no_below)"
_COLUMNS = "np.repeat(phi.min(axis=1, keepdims=True), len(new), axis=1)"
_COUNTS = "    counts = np.array([[document.count(word) for word in grown] for document in documents])\n"
_TOPICS = "wide / wide.sum(axis=1, keepdims=True)"
_MOVED = (
    "columns have moved. Column 3 of phi is about the third shared word, here as in the cloud: leave the shared words "
    "where they are, and put the new ones behind them."
)

GROW_DICTIONARY = Exercise(
    id="grow-dictionary",
    title="Words of your own",
    solution=grow_topics,
    cases=_texts(),
    right="your counts and topics agree with ours. The shared columns still mean the same words, and the new ones can "
    "now be learnt at home.",
    hints=(
        "Each column of phi is about one shared word. Which order of all the words keeps that true?",
        "For every word that is not shared, count the documents that have it at least once. Keep those with no_below "
        "or more, sort them, and put them behind the shared ones. Count each of these words in each document. Then add "
        "to phi, for each new word, a column with the smallest value of every row, and divide each row by its sum.",
        "keep_words in pmt_helpers/datasets/text.py counts, extend_vocabulary in pmt_helpers/topics/personal.py makes "
        "room in the topics.",
    ),
    mistakes=(
        Mistake("sorted together", _MOVED, "[*words, *new]", "sorted([*words, *new])"),
        Mistake(
            "sorted together, phi too",
            _MOVED,
            f"return counts, {_TOPICS}",
            f"order = np.argsort(grown)\n    return counts[:, order], ({_TOPICS})[:, order]",
        ),
        Mistake(
            "new words in front",
            _MOVED,
            f"[*words, *new]\n{_COUNTS}    wide = np.hstack([phi, {_COLUMNS}])",
            f"[*new, *words]\n{_COUNTS}    wide = np.hstack([{_COLUMNS}, phi])",
        ),
        Mistake("new words in front in the counts", _MOVED, "[*words, *new]", "[*new, *words]"),
        Mistake(
            "never grows",
            "the words that the cloud does not know are dropped, so the model can never learn them. Those in enough of "
            "the documents get columns of their own.",
            _NEW,
            "[]",
        ),
        Mistake(
            "tokens counted",
            "no_below counts occurrences here, so a word that one document repeats comes in. It is about documents: "
            "count each document once.",
            "set(document)",
            "document",
        ),
        Mistake(
            "more than no_below",
            "this asks for more than no_below documents. A word that is in exactly no_below of them comes in as well.",
            ">= no_below",
            "> no_below",
        ),
        Mistake(
            "every new word",
            "every new word comes in, also those of a single document, and no_below does nothing. A word of one "
            "document says nothing about what goes with what.",
            " if once_each.count(word) >= no_below",
            "",
        ),
        Mistake(
            "as they come",
            "the new words are in the order in which the documents have them. Sort them, so that the same documents in "
            "another order give the same columns.",
            _NEW,
            "[word for word in dict.fromkeys(sum(documents, [])) if word not in words\n"
            "        and once_each.count(word) >= no_below]",
        ),
        Mistake(
            "presence",
            "a word counts once per document, however often it occurs. Count every occurrence.",
            "document.count(word) for",
            "word in document for",
        ),
        Mistake(
            "impossible words",
            "new words have the probability 0. Then no topic can be drawn for them: what is impossible stays "
            "impossible, however often you write it.",
            _COLUMNS,
            "np.zeros((len(phi), len(new)))",
        ),
        Mistake(
            "one for all topics",
            "one value is used in all topics. Take the smallest of each row: what a word that never came has there.",
            _COLUMNS,
            "np.full((len(phi), len(new)), phi.min())",
        ),
        Mistake(
            "rows not scaled",
            "with the new columns the rows of phi no longer sum to one. Divide each row by its sum.",
            _TOPICS,
            "wide",
        ),
    ),
)


# ---- document-completion ----


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
        "nothing seen": (phi, np.zeros(6, int), np.array([0, 0, 0, 0, 2, 1]), 0.5, 5),
    }


_SCORE = "unseen @ np.log2(theta @ phi) / unseen.sum()"
# Stops where nothing was seen, as answers with np.average do; those that give NaN there are compared on other cases.
_SEEN_SCORE = "np.average(np.log2(theta @ phi), weights=seen)"
_PER_TOKEN = (
    "this is not a mean over tokens. A word that comes four times counts four times, in the numerator and in the "
    "denominator: weigh by the counts, and divide by their sum."
)
_UNSEEN_USED = (
    "theta knows the unseen half: that is the answer sheet. Let the seen half alone say which topics the document has."
)

DOCUMENT_COMPLETION = Exercise(
    id="document-completion",
    title="Predict the other half",
    solution=completion_bits,
    cases=_halves(),
    right="your bits agree with ours. Nothing of the unseen half went into theta, so learning by heart does not help "
    "here.",
    hints=(
        "Which of the two halves may say what the document is about, and which may only be scored?",
        "Start with a theta of equal shares. Again and again: for each word, theta times its column of phi, divided by "
        "its sum, is the share of each topic in it; add these up over the seen tokens (a word counts as often as it "
        "occurs), add alpha, divide by the sum. At the end theta times phi is the probability of each word: take log2, "
        "and the mean over the unseen tokens.",
        "complete_reference in pmt_helpers/topics/evaluation.py does it for many documents.",
    ),
    mistakes=(
        Mistake(
            "natural logarithm",
            "this is in nats. A bit is a factor of two: take the logarithm to the base 2.",
            "np.log2",
            "np.log",
        ),
        Mistake(
            "sign",
            "the sign is wrong. The logarithm of a probability is negative, and nearer to zero is better.",
            "return unseen",
            "return -unseen",
        ),
        Mistake("both halves", _UNSEEN_USED, "from_topic @ seen", "from_topic @ (seen + unseen)"),
        Mistake("only the unseen half", _UNSEEN_USED, "from_topic @ seen", "from_topic @ unseen"),
        Mistake(
            "seen half scored",
            "this scores the half that theta was made from. That flatters: score the unseen half.",
            _SCORE,
            _SEEN_SCORE,
        ),
        Mistake(
            "halves swapped",
            "the halves are swapped: theta comes from the seen one, the score from the unseen one.",
            f"from_topic @ seen\n        theta = theta / theta.sum()\n    return {_SCORE}",
            f"from_topic @ unseen\n        theta = theta / theta.sum()\n    return {_SEEN_SCORE}",
        ),
        Mistake("each unseen word once", _PER_TOKEN, _SCORE, "np.log2(theta @ phi)[unseen > 0].mean()"),
        Mistake("divided by distinct words", _PER_TOKEN, "/ unseen.sum()", "/ (unseen > 0).sum()"),
        Mistake("divided by the vocabulary", _PER_TOKEN, "/ unseen.sum()", "/ len(unseen)"),
        Mistake(
            "sum",
            "this is the sum over the unseen tokens. Divide by how many there are, so that long documents can be "
            "compared with short ones.",
            " / unseen.sum()",
            "",
        ),
        Mistake(
            "logarithm of the mean",
            "this averages probabilities and then takes the logarithm. Take the logarithm of each token's probability "
            "first, then the mean.",
            _SCORE,
            "np.log2(unseen @ (theta @ phi) / unseen.sum())",
        ),
        Mistake(
            "each seen word once",
            "in theta each seen word counts once, however often it occurs. Weigh its shares by its count.",
            "from_topic @ seen",
            "from_topic @ (seen > 0)",
        ),
        Mistake(
            "alpha forgotten",
            "alpha is missing in theta. Without it, a topic that the seen half lacks is all but ruled out in the rest.",
            "alpha + from_topic",
            "from_topic",
        ),
        Mistake(
            "shares that are none",
            "theta times phi is not yet p(k | word): for each word it must sum to one over the topics. Divide each "
            "column by its sum.",
            "        from_topic = from_topic / from_topic.sum(axis=0)\n",
            "",
        ),
        Mistake(
            "theta not normalised",
            "theta does not sum to one, so the words have probabilities above one. Divide theta by its sum.",
            "        theta = theta / theta.sum()\n",
            "",
        ),
        Mistake(
            "always from the start",
            "this is the theta of a single iteration. Begin each one with the theta of the one before, and return "
            "after the loop.",
            "theta[:, None] * phi",
            "phi",
        ),
        Mistake(
            "equal shares",
            "theta is still what it started as, equal shares, whatever was seen. Keep what each iteration finds.",
            "theta = alpha + from_topic @ seen\n        theta = theta / theta.sum()",
            "found = alpha + from_topic @ seen\n        found = found / found.sum()",
        ),
    ),
)


# ---- choose-weight ----


def choose_weight(weights: Array, validation: Array, test: Array) -> tuple[float, float]:
    """weights (n_weights,); validation, test (n_seeds, n_weights): bits per word.

    Returns the weight with the highest mean validation over seeds, and its mean test.
    """
    best = validation.mean(axis=0).argmax()
    return weights[best], test[:, best].mean()


def _tables() -> dict[str, tuple[Array, Array, Array]]:
    """Tables in which every way of choosing takes another weight."""
    weights = np.array([0.01, 0.1, 1.0, 10.0, 100.0])
    validation = np.array(
        [
            [-11.2, -10.9, -10.2, -10.6, -11.6],
            [-11.1, -10.8, -10.7, -10.5, -11.7],
            [-11.3, -11.0, -10.8, -10.7, -10.1],
            [-11.4, -10.4, -10.5, -10.6, -12.0],
        ]
    )
    test = np.array(
        [
            [-11.0, -10.7, -10.9, -10.8, -11.5],
            [-11.3, -10.5, -10.6, -10.7, -11.9],
            [-11.2, -10.6, -10.7, -10.9, -11.8],
            [-11.4, -10.8, -10.8, -10.8, -11.6],
        ]
    )
    three = np.array([[-9.9, -9.6, -9.8, -9.7], [-10.4, -10.3, -9.9, -10.2], [-10.0, -10.1, -9.9, -10.3]])
    return {
        "four seeds, five weights": (weights, validation, test),
        "three seeds, four weights": (
            np.array([0.3, 1.0, 3.0, 30.0]),
            three,
            three[:, ::-1] + np.array([0.1, 0.2, -0.3, 0.1]),
        ),
        "one seed": (np.array([2.0, 4.0, 8.0]), np.array([[-8.1, -7.9, -8.4]]), np.array([[-8.6, -8.5, -8.2]])),
    }


_CHOICE = "validation.mean(axis=0).argmax()\n    return weights[best], test[:, best].mean()"
_OWN_BITS = "test[range(len(test)), best]"
_ONE_FOR_ALL = (
    "each seed chose a weight of its own here. That fits the luck of each: average the validation bits over the seeds "
    "first, then choose one weight for all."
)

CHOOSE_WEIGHT = Exercise(
    id="choose-weight",
    title="How much to trust the cloud",
    solution=choose_weight,
    cases=_tables(),
    right="the weight was chosen without a look at the test, and the test says what it is worth. Had the test chosen, "
    "its number would promise too much.",
    hints=(
        "Two tables, two jobs: one may choose, the other may only say how good the choice is. And is minus ten bits "
        "per word better or worse than minus eleven?",
        "Average the validation table over its seeds: one value per weight. Find the place of the highest. Return the "
        "weight at that place, and the mean of the test table's column there.",
        "best_weight in pmt_helpers/topics/prior_weight.py chooses; it is never shown a test document.",
    ),
    mistakes=(
        Mistake(
            "chosen by test",
            "the test chose the weight, so its bits promise too much: of several numbers that are partly luck, the "
            "highest is the luckiest. Choose by validation.",
            "best = validation",
            "best = test",
        ),
        Mistake(
            "lowest",
            "this takes the lowest. Bits are negative here: -10 is a better guess than -11, so take the highest.",
            "argmax",
            "argmin",
        ),
        Mistake(
            "validation reported",
            "the weight is right, but the value is its validation. That was the highest of all, in part by luck, and "
            "promises too much: report the test.",
            "test[:, best].mean()",
            "validation[:, best].mean()",
        ),
        Mistake(
            "highest of the test",
            "the weight is right, but the value belongs to another one: the best of the test. Report the test of the "
            "weight that you chose.",
            "test[:, best].mean()",
            "test.mean(axis=0).max()",
        ),
        Mistake(
            "per seed",
            _ONE_FOR_ALL,
            _CHOICE,
            f"validation.argmax(axis=1)\n    return weights[best], {_OWN_BITS}.mean()",
        ),
        Mistake(
            "per seed, all values",
            _ONE_FOR_ALL,
            _CHOICE,
            f"validation.argmax(axis=1)\n    return weights[best], {_OWN_BITS}",
        ),
        Mistake(
            "per seed, averaged",
            _ONE_FOR_ALL,
            _CHOICE,
            f"validation.argmax(axis=1)\n    return weights[best].mean(), {_OWN_BITS}.mean()",
        ),
        Mistake(
            "by vote",
            "this takes the weight that is best for most seeds. By how much it is better counts too: average the bits "
            "over the seeds, then take the highest.",
            "validation.mean(axis=0).argmax()",
            "np.bincount(validation.argmax(axis=1)).argmax()",
        ),
        Mistake(
            "by the luckiest seed",
            "this takes the highest single value of the table. One seed may be lucky: average over the seeds first.",
            "mean(axis=0).argmax()",
            "argmax() % len(weights)",
        ),
        Mistake(
            "over weights",
            "this averages over the weights, so it compares seeds. Rows are seeds and columns are weights: average "
            "over axis 0.",
            "axis=0",
            "axis=1",
        ),
        Mistake(
            "place",
            "the first value is the weight's place in the list. Return the weight itself.",
            "weights[best]",
            "best",
        ),
        Mistake(
            "swapped",
            "the two values are swapped: first the weight, then its bits.",
            "weights[best], test[:, best].mean()",
            "test[:, best].mean(), weights[best]",
        ),
    ),
)

EXERCISES = (GIBBS_UPDATE, GROW_DICTIONARY, DOCUMENT_COMPLETION, CHOOSE_WEIGHT)

QUESTIONS = (
    Question(
        "On your training words the personal model's likelihood starts far above the local one's. What does this show?",
        {
            "That the personal model will predict new texts better": "The curve is about the words trained on. On "
            "held-out documents the lead of the start alone fades: the sampler forgets where it came from.",
            "That its first topics already fit your words": "That is all: a better start, and fewer iterations to the "
            "same height. Whether something is left in the end, only held-out texts can tell.",
            "Nothing: random topics start as high": "They do not: the two curves start apart and come together. The "
            "lead is real, but it is one on training words, and for some iterations.",
        },
        right="That its first topics already fit your words",
    ),
    Question(
        "A personal model is said to need 38% fewer iterations. What must you know before you believe that number?",
        {
            "The likelihood at which the two were compared": "Against an early, low target the shared start saves "
            "much, against a late, high one little or less than nothing: the saving depends on where you look.",
            "How many seconds an iteration takes": "An iteration costs both models the same, so that does not change "
            "which share of them is saved.",
            "Only that the seed was fixed": "A seed makes the number repeatable, not robust: another seed, or another "
            "target, gives another one.",
        },
        right="The likelihood at which the two were compared",
    ),
    Question(
        "Documents stay at home; a topic-word matrix made from them is published. What does it tell of the documents?",
        {
            "Nothing: it holds averages over topics": "Averages of few documents tell much about each. And one small "
            "beta, known to all, turns these probabilities back into counts.",
            "Only which words are frequent in general": "Its words are those of these documents. Of a rare name, the "
            "matrix says that it was there, and beside what.",
            "Which words they hold, and how often": "The probabilities are counts plus beta, scaled: notebook 04 takes "
            "the counts back. So a matrix of public documents may travel, and yours stays at home like they do.",
        },
        right="Which words they hold, and how often",
    ),
)
