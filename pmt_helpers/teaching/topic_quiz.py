"""Name the topic: from its words, guess which article it was learnt from. Notebook 03."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.teaching.display import Shown
from pmt_helpers.teaching.questions import Question, quiz
from pmt_helpers.teaching.topic_tables import TokenAssignment, assign_topics
from pmt_helpers.teaching.workbook_file import current_workbook
from pmt_helpers.topics.personal import TopicModel, Topics

WORDS = 8  # shown of a topic
CHOICES = 4
LEAST_SHARE = 0.1  # of a topic's tokens, in the article that is the answer
LEAD = 2  # times as many of them as in any other article: the words should point at the answer
CLEARLY = 4  # times as many of them as in the other articles offered
STEM = 5  # letters: words that begin alike give an answer away ("alkali" and "alkaline")


def name_the_topic(
    model: TopicModel | Topics, documents: DocumentData, n_questions: int = 3, seed: int = 0, key: str = "03-topics"
) -> Shown:
    """A game: the words of a topic are shown; which of four articles (groups of documents) has most of its tokens?

    Answered, explained and kept as a quiz is, under `key`, and counted. Words that stand in a title offered are left
    out. Topics without an article that is clearly theirs are not asked. Raises ValueError when there is none to ask.
    """
    import ipywidgets

    questions = topic_questions(model, documents, n_questions, seed)
    shown = quiz(key, questions)
    score = ipywidgets.HTML(_score(key, questions))

    def count(_: Any) -> None:
        score.value = _score(key, questions)

    for question in shown.widget.children:
        question.children[-1].observe(count, names="value")  # the explanation: it changes with each answer
    return Shown(ipywidgets.VBox([shown.widget, score]), shown.sentence, shown.page)


def topic_questions(
    model: TopicModel | Topics, documents: DocumentData, n_questions: int = 3, seed: int = 0
) -> tuple[Question, ...]:
    """The questions of the game, determined by seed, model and documents."""
    assigned = assign_topics(model, documents)
    titles, article = np.unique(documents.groups, return_inverse=True)
    tokens = np.zeros((len(titles), assigned.tokens.shape[1]))
    np.add.at(tokens, article, assigned.tokens)
    articles = _Articles(titles.astype(str), tokens)
    rng = np.random.default_rng(seed)
    questions: list[Question] = []
    for topic in rng.permutation(len(assigned.phi)):
        offered = articles.offered(int(topic), rng)
        if offered is not None and len(questions) < n_questions:
            questions.append(_question(int(topic), offered, articles, assigned))
    if not questions:
        raise ValueError(
            f"no topic can be asked for: none has {LEAST_SHARE:.0%} of its tokens in one group of documents. (It must "
            f"be {LEAD} times as many as in any other group, and {CLEARLY} times as many as in {CHOICES - 1} "
            "long ones.) Take documents in groups, such as articles, or more topics"
        )
    return tuple(questions)


@dataclass(frozen=True, eq=False)
class _Articles:
    """titles: (n_articles,). tokens: (n_articles, n_topics), how many of an article's tokens each topic has."""

    titles: np.ndarray
    tokens: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """(n_articles, n_topics): the part of a topic's tokens that is in each article."""
        return self.tokens / self.tokens.sum(axis=0)

    def offered(self, topic: int, rng: np.random.Generator) -> np.ndarray | None:
        """Articles to choose from, the right one first; None when none is clearly right."""
        shares, lengths = self.shares[:, topic], self.tokens.sum(axis=1)
        if len(shares) < CHOICES:
            return None
        *_, second, right = np.argsort(shares, kind="stable")
        # Long ones: that an article is short should not be why it holds little of the topic.
        others = np.flatnonzero((shares * CLEARLY <= shares[right]) & (lengths >= np.median(lengths)))
        if shares[right] < max(LEAST_SHARE, LEAD * shares[second]) or len(others) < CHOICES - 1:
            return None
        return np.append(right, rng.choice(others, CHOICES - 1, replace=False))


def _question(topic: int, offered: np.ndarray, articles: _Articles, assigned: TokenAssignment) -> Question:
    titles = [str(articles.titles[article]) for article in offered]
    given_away = {word[:STEM] for title in titles for word in title.casefold().split()}
    words = [word for word in assigned.first_words(10 * WORDS)[topic] if word[:STEM] not in given_away][:WORDS]
    explanations = {}
    for article, title in sorted(zip(offered.tolist(), titles, strict=True), key=lambda pair: pair[1]):
        explanations[title] = _explanation(topic, article, articles, assigned)
    text = f"Topic {topic + 1}: {', '.join(words)} … Which of these articles has the most of its words?"
    return Question(text, explanations, right=titles[0])


def _explanation(topic: int, article: int, articles: _Articles, assigned: TokenAssignment) -> str:
    share, main = articles.shares[article, topic], int(articles.tokens[article].argmax())
    text = f"{'less than 1%' if share < 0.005 else format(share, '.0%')} of the topic's tokens are in this article"
    if main == topic:
        return f"{text}, and it is the article's largest topic."
    return f"{text}, whose largest topic is {main + 1} ({', '.join(assigned.first_words(4)[main])})."


def _score(key: str, questions: tuple[Question, ...]) -> str:
    answers = [current_workbook().get("quiz", f"{key}-{number}") for number in range(1, len(questions) + 1)]
    right = sum(answer == question.right for answer, question in zip(answers, questions, strict=True))
    answered = sum(answer in question.choices for answer, question in zip(answers, questions, strict=True))
    return f'<p style="line-height: 1.4"><b>{right} of {len(questions)} right</b>, {answered} answered.</p>'
