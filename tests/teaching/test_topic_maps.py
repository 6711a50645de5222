"""The map of topics and their table: nothing from the network, one numbering, the words of the models themselves."""

import json
import re
import warnings
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import pytest

from pmt_helpers.datasets import DocumentData, load_documents
from pmt_helpers.teaching import topic_map, topic_table
from pmt_helpers.teaching.topic_maps import COMPARED, WORDS, patched, topic_places
from pmt_helpers.teaching.topic_tables import assign_topics
from pmt_helpers.topics import TopicModel, Topics, infer_theta, personalise_topics, train_shared_topics
from pmt_helpers.workbook.verify import lint


@pytest.fixture(scope="module")
def news() -> DocumentData:
    return load_documents("news")


@pytest.fixture(scope="module")
def mine(news: DocumentData) -> DocumentData:
    return news.select(np.arange(150, 300))


@pytest.fixture(scope="module")
def models(news: DocumentData, mine: DocumentData) -> dict[str, TopicModel]:
    shared = train_shared_topics(news.select(np.arange(150)), 8, iterations=20)
    return {"shared": shared, "personal": personalise_topics(shared, mine, "prior", 1.0, iterations=20)}


@pytest.fixture(scope="module")
def both(models, mine):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return topic_map(models, mine)


class Read(HTMLParser):
    """Every attribute, and the text of every style and script, of a page and of the pages in its frames."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str, str]] = []
        self.styles, self.scripts = "", []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs) -> None:
        self._inside = tag
        for name, value in attrs:
            self.attributes.append((tag, name, value or ""))
            self.styles += value if name == "style" else ""
            if name == "srcdoc":
                inner = Read(value)
                self.attributes += inner.attributes
                self.styles += inner.styles
                self.scripts += inner.scripts

    def handle_endtag(self, tag) -> None:
        self._inside = ""

    def handle_data(self, data) -> None:
        if self._inside == "style":
            self.styles += data
        if self._inside == "script":
            self.scripts.append(data)


def drawn(page: str) -> list[dict]:
    """The models in a page, as its script reads them."""
    return json.loads(re.search(r"^const MODELS = (.*);$", page, re.M)[1])


def words_shown(model: dict, topic: int) -> list[str]:
    """The words of a topic's bars with lambda at 1, from the top, as LDAvis chooses them."""
    info = model["data"]["tinfo"]
    rows = [row for row, category in enumerate(info["Category"]) if category == f"Topic{topic}"]
    rows.sort(key=lambda row: -info["logprob"][row])  # stable, as in LDAvis
    return [info["Term"][row] for row in rows[:WORDS]]


def test_nothing_comes_from_elsewhere(both):
    read = Read(both.to_html())
    assert not [a for a in read.attributes if a[1] in ("src", "href", "xlink:href", "action", "data", "poster")]
    assert not re.search(r"url\(|@import", read.styles)
    assert len(read.scripts) == 3  # d3, LDAvis, ours: each once, however many models
    for script in read.scripts:
        assert not re.search(r"""(?:src|href)["']?\s*[,=:]\s*["'](?:https?:)?//""", script)
    assert "cdn" not in both.to_html()


def test_the_check_above_would_find_what_stock_pyldavis_loads():
    import pyLDAvis
    from pyLDAvis import urls

    assert Read(f'<iframe srcdoc="&lt;script src=&quot;{urls.D3_URL}&quot;&gt;"></iframe>').attributes[-1][1] == "src"
    stock = Path(urls.LDAVIS_LOCAL).read_text(encoding="utf-8")
    assert re.search(r"""href["']?\s*[,=:]\s*["']https?://""", stock)
    # Should pyLDAvis change, each of these is to be looked at again.
    for what in ('.attr("xlink:href", "http', '.attr("x", "xaxis")', "d3.extent(mdsData,"):
        assert what in stock, f"pyLDAvis {pyLDAvis.__version__} has no {what}"
        assert what not in patched(stock)
    assert patched(stock).count("d3.extent(data['corners'],") == 2


def test_it_fits_into_a_notebook_that_passes_the_checks(both):
    cell = nbformat.v4.new_code_cell("map_")
    data = {"text/html": both.to_html(), "text/plain": both.sentence}
    cell.outputs = [nbformat.v4.new_output("display_data", data)]
    cell.execution_count = 1
    cell.metadata.tags = ["parameters"]
    notebook = nbformat.v4.new_notebook(cells=[cell])
    assert list(lint(notebook)) == []
    assert len(nbformat.writes(notebook).encode()) < 550_000


def test_one_output_a_frame_and_a_sentence(both, monkeypatch):
    bundles = []
    monkeypatch.setattr("pmt_helpers.teaching.display.publish", bundles.append)
    both._ipython_display_()
    assert bundles == [{"text/html": both.to_html(), "text/plain": both.sentence}]
    read = Read(both.to_html())
    assert [(name, value) for tag, name, value in read.attributes if tag == "iframe" and name != "srcdoc"] == [
        ("title", "Map of topics"),
        ("sandbox", "allow-scripts"),
    ]
    assert [value for tag, name, value in read.attributes if name == "srcdoc"] == [both.page]
    assert f">{escape(both.sentence)} The map is drawn when this cell is run.</iframe>" in both.to_html()


def test_the_same_models_and_documents_give_the_same_page(both, models, mine):
    assert topic_map(models, mine).to_html() == both.to_html()


def test_a_topics_number_is_its_row_plus_one_under_every_model(both, models, mine):
    shown = drawn(both.page)
    assert [model["name"] for model in shown] == ["shared", "personal"]
    for model, one in zip(shown, models.values(), strict=True):
        assert model["data"]["mdsDat"]["topics"] == list(range(1, 9))
        assert model["data"]["topic.order"] == list(range(1, 9))
        for topic in range(8):
            by_hand = [one.vocabulary[word] for word in np.argsort(-one.phi[topic], kind="stable")[:WORDS]]
            assert words_shown(model, topic + 1) == by_hand


def test_the_table_says_what_the_map_shows(both, models, mine):
    text = repr(topic_table(models, mine))
    for model in drawn(both.page):
        for topic in range(8):
            share = f"{model['data']['mdsDat']['Freq'][topic]:.1f}%"
            line = re.search(rf"Topic {topic + 1}\n(?:  .*\n)*?  {model['name']} +(.*)", text)[1]
            assert line.split("  ")[0] == share
            assert line.split("  ")[1].replace("+", "") == ", ".join(words_shown(model, topic + 1)[:COMPARED])


def test_words_that_the_first_model_has_not_are_marked_by_a_sign(models, mine):
    table = topic_table(models, mine, top=5)
    one, other = (assign_topics(model, mine).first_words(5) for model in models.values())
    new = sum(len(set(now) - set(then)) for then, now in zip(one, other, strict=True))
    assert repr(table).count("+") == new > 0
    assert table.to_html().count("<b>+") == new + 1  # and the legend
    assert f"{new / 8:.1f} of a topic's first 5 words are new on average" in table.sentence
    assert len(table.to_html()) < 10_000
    same = topic_table({"shared": models["shared"], "again": models["shared"]}, mine)
    assert "<td" in same.to_html()
    assert "+" not in repr(same)


def test_one_model_has_a_map_and_a_table_too(models, mine):
    alone = {"shared": models["shared"].topics}
    assert len(drawn(topic_map(alone, mine).page)) == 1
    table = topic_table(alone, mine)
    assert re.match(r"8 topics over 150 documents: topic \d is the largest, with \d+% of the tokens", table.sentence)
    assert "+" not in table.to_html()


def test_tokens_are_those_of_the_documents_without_the_prior(models, mine):
    assigned = assign_topics(models["shared"], mine)
    assert assigned.tokens.sum(axis=1) == pytest.approx(mine.lengths)
    smoothed = infer_theta(models["shared"].phi, mine.counts, models["shared"].alpha)
    assert assigned.tokens.min() < 0.5  # a topic without words there has no tokens, though its theta is not zero
    assert smoothed.min() * mine.lengths.max() > 0.5
    own = assign_topics(models["personal"], mine)
    sampled = models["personal"].theta * (mine.lengths[:, None] + 8 * 2.5) - 2.5
    assert np.abs(own.tokens - sampled).sum() < 0.25 * mine.tokens  # the sampler's last draw, and what it draws from


def test_words_of_ones_own_reach_the_shared_models_map(models, mine):
    own = np.hstack([mine.counts.toarray(), np.full((150, 1), 9)])
    grown = DocumentData(own, (*mine.vocabulary, "zebra's"), mine.groups, mine.names, mine.dropped, mine.card, "")
    personal = personalise_topics(models["shared"], grown, "prior", iterations=5)
    page = topic_map({"shared": models["shared"], "personal": personal}, grown).page
    assert any("zebra's" in words_shown(drawn(page)[1], topic) for topic in range(1, 9))


def test_a_word_cannot_break_out_of_the_page(mine):
    evil = """</script><!--<b x='1' y="2">&amp;"""
    vocabulary = (evil, *mine.vocabulary[1:])
    documents = DocumentData(mine.counts, vocabulary, mine.groups, mine.names, mine.dropped, mine.card, "")
    phi = np.full((2, len(vocabulary)), 0.5 / (len(vocabulary) - 1))
    phi[:, 0] = 0.5
    shown = topic_map({"<i>": Topics(phi, vocabulary)}, documents)
    (page,) = (value for _, name, value in Read(shown.to_html()).attributes if name == "srcdoc")
    assert len(Read(page).scripts) == 3
    assert words_shown(drawn(page)[0], 1)[0] == evil
    assert evil not in topic_table({"<i>": Topics(phi, vocabulary)}, documents).to_html()


def test_all_models_stand_on_one_map(models):
    phis = [model.phi for model in models.values()]
    places = topic_places(phis)
    assert places.shape == (2, 8, 2)
    np.testing.assert_allclose(topic_places(phis[::-1])[::-1], places, atol=1e-8)
    twice = topic_places([phis[0], phis[0]])
    np.testing.assert_allclose(twice[0], twice[1], atol=1e-6)
    assert topic_places([phis[0][:1]]).tolist() == [[[0, 0]]]
    # As pyLDAvis places them, up to the signs of the axes.
    from pyLDAvis._prepare import js_PCoA

    np.testing.assert_allclose(np.abs(topic_places(phis[:1])[0]), np.abs(js_PCoA(phis[0])), atol=1e-6)


def test_models_that_cannot_be_compared_are_refused(models, mine, news):
    with pytest.raises(ValueError, match="models is empty"):
        topic_map({}, mine)
    with pytest.raises(ValueError, match=r"found 8 \(shared\), 3 \(other\)"):
        topic_table({"shared": models["shared"], "other": train_shared_topics(mine, 3, iterations=1)}, mine)
    with pytest.raises(ValueError, match="must begin with the"):
        topic_map(models, load_documents("wikipedia"))
