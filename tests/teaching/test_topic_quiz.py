"""The game: every question has a clear answer, the same for everybody; answers are explained, counted and kept."""

import ipywidgets
import numpy as np
import pytest

from pmt_helpers.datasets import DocumentData, load_documents
from pmt_helpers.teaching import name_the_topic
from pmt_helpers.teaching.topic_quiz import CLEARLY, LEAD, LEAST_SHARE, STEM, topic_questions
from pmt_helpers.teaching.workbook_file import current_workbook
from pmt_helpers.topics import TopicModel, train_shared_topics
from tests.teaching.test_widgets import all_of, marked, press

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(autouse=True)
def own_workbook(tmp_path, monkeypatch):
    monkeypatch.setenv("PMT_WORKBOOK_FILE", str(tmp_path / "my_workbook.json"))


@pytest.fixture(scope="module")
def wikipedia() -> DocumentData:
    return load_documents("wikipedia")


@pytest.fixture(scope="module")
def shared(wikipedia) -> TopicModel:
    return train_shared_topics(wikipedia, 20, iterations=30)


@pytest.fixture(scope="module")
def every(shared, wikipedia):
    """All the questions that can be asked."""
    return topic_questions(shared, wikipedia, n_questions=20)


def topic_of(question) -> int:
    return int(question.text.split(":")[0].removeprefix("Topic ")) - 1


def shares_by_hand(shared: TopicModel, documents: DocumentData) -> dict[str, np.ndarray]:
    """Each topic's tokens by article, from the topics that the sampler gave to them."""
    tokens = shared.theta * (documents.lengths[:, None] + 20 * shared.alpha) - shared.alpha
    return {title: tokens[documents.groups == title].sum(0) / tokens.sum(0) for title in set(documents.groups)}


def test_an_answer_is_right_by_what_the_sampler_counted_too(every, shared, wikipedia):
    shares = shares_by_hand(shared, wikipedia)
    assert len(every) >= 3
    for question in every:
        topic = topic_of(question)
        assert question.right == max(shares, key=lambda title: shares[title][topic])
        others = [shares[title][topic] for title in question.choices if title != question.right]
        assert shares[question.right][topic] > 0.8 * CLEARLY * max(others)  # the game's own counts are expectations


def test_topics_without_a_clear_answer_are_not_asked(every, shared, wikipedia):
    shares = shares_by_hand(shared, wikipedia)
    asked = {topic_of(question) for question in every}
    assert len(asked) == len(every) < 20
    for topic in range(20):
        second, first = sorted(share[topic] for share in shares.values())[-2:]
        if first < 0.8 * max(LEAST_SHARE, LEAD * second):
            assert topic not in asked


def test_four_articles_are_offered_and_each_is_explained(every, wikipedia):
    for question in every:
        assert len(question.choices) == 4
        assert set(question.choices) <= set(wikipedia.groups)
        assert all("of the topic's tokens are in this article" in text for text in question.choices.values())
        assert "it is the article's largest topic" in question.choices[question.right]
        shown = question.text.split(": ")[1].split(" …")[0].split(", ")
        assert len(shown) == 8
        titles = " ".join(question.choices).casefold().split()
        assert not {word[:STEM] for word in shown} & {word[:STEM] for word in titles}
    assert len({list(question.choices).index(question.right) for question in every}) > 1  # not always the first


def test_the_seed_decides_what_is_asked(shared, wikipedia):
    one, same, other = (topic_questions(shared, wikipedia, seed=seed) for seed in (0, 0, 1))
    assert one == same
    assert one != other
    assert len(one) == 3


def test_answers_are_explained_counted_and_kept(shared, wikipedia):
    game = name_the_topic(shared, wikipedia)
    questions = topic_questions(shared, wikipedia)
    score = all_of(game.widget, ipywidgets.HTML)[-1]
    assert "0 of 3 right</b>, 0 answered" in score.value
    first, second, _ = game.widget.children[0].children  # a title may be among the answers to several questions
    press(first, questions[0].right)
    wrong = next(title for title in questions[1].choices if title != questions[1].right)
    press(second, wrong)
    assert "1 of 3 right</b>, 2 answered" in score.value
    assert any("Not quite" in html.value for html in all_of(game.widget, ipywidgets.HTML))
    assert current_workbook().section("quiz") == {"03-topics-1": questions[0].right, "03-topics-2": wrong}
    again = name_the_topic(shared, wikipedia)
    assert marked(again.widget) == [questions[0].right, wrong]
    assert "1 of 3 right</b>, 2 answered" in all_of(again.widget, ipywidgets.HTML)[-1].value


def test_the_sentence_holds_the_questions_whatever_was_answered(shared, wikipedia, monkeypatch):
    bundles = []
    monkeypatch.setattr("pmt_helpers.teaching.display.publish", bundles.append)
    game = name_the_topic(shared, wikipedia)
    game._ipython_display_()
    assert [set(bundle) for bundle in bundles] == [{VIEW, "text/plain", "text/html"}]
    for question in topic_questions(shared, wikipedia):
        assert question.text in game.sentence
        assert not any(text in game.sentence for text in question.choices.values())
    current_workbook().put("quiz", "03-topics-1", "Aardvark")
    assert name_the_topic(shared, wikipedia).sentence == game.sentence


def test_documents_without_groups_to_choose_from_are_refused(shared, wikipedia):
    few = wikipedia.select(np.isin(wikipedia.groups, wikipedia.groups[[0, -1]]))
    with pytest.raises(ValueError, match=r"no topic can be asked for.*Take documents in groups"):
        name_the_topic(shared, few)
