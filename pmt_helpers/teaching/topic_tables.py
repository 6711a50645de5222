"""Topics as a table: their first words and their share of the tokens, for one model or several. Notebook 03, step 3."""

from collections.abc import Mapping
from html import escape

from pmt_helpers.datasets.document_data import DocumentData
from pmt_helpers.teaching.display import publish
from pmt_helpers.teaching.topic_tokens import Told, comparison, tell_all
from pmt_helpers.topics.personal import TopicModel, Topics

NEW = "+"  # before a word that the first model does not have among the topic's first ones


class TopicTable:
    """Rows of a topic each, columns of a model each; the last expression of a cell displays it."""

    def __init__(self, told: Mapping[str, Told], top: int) -> None:
        self.sentence = comparison(told, top)
        self._words = {name: one.first_words(top) for name, one in told.items()}
        self._shares = {name: one.shares for name, one in told.items()}
        self._first = next(iter(told))

    def __repr__(self) -> str:
        width = max(map(len, self._words))
        lines = [self.sentence]
        for topic in range(len(self._words[self._first])):
            lines.append(f"Topic {topic + 1}")
            for name in self._words:
                words = [f"{NEW}{word}" if new else word for word, new in self._marked(name, topic)]
                lines.append(f"  {name:{width}} {self._shares[name][topic]:5.1%}  {', '.join(words)}")
        return "\n".join(lines)

    def to_html(self) -> str:
        """The table; under a later model a new word is bold and has a plus before it."""
        heads = ["Topic"] + [f"{escape(name)}{part}" for name in self._words for part in (": tokens", ": first words")]
        head = "".join(f'<th scope="col" style="text-align: left">{name}</th>' for name in heads)
        rows = "".join(map(self._row, range(len(self._words[self._first]))))
        return (
            f"<p>{escape(self.sentence)}{self._legend()}</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )

    def _legend(self) -> str:
        return f" <b>{NEW}new</b>: not among the topic's first under {escape(self._first)}." * (len(self._words) > 1)

    def _row(self, topic: int) -> str:
        cells = []
        for name in self._words:
            cells.append(f"<td>{self._shares[name][topic]:.1%}</td>")
            words = [f"<b>{NEW}{escape(w)}</b>" if new else escape(w) for w, new in self._marked(name, topic)]
            cells.append(f'<td style="text-align: left">{", ".join(words)}</td>')
        return f'<tr><th scope="row">{topic + 1}</th>{"".join(cells)}</tr>'

    def _marked(self, name: str, topic: int) -> list[tuple[str, bool]]:
        before = self._words[self._first][topic]
        return [(word, word not in before) for word in self._words[name][topic]]

    def _ipython_display_(self) -> None:
        publish({"text/plain": repr(self), "text/html": self.to_html()})


def topic_table(models: Mapping[str, TopicModel | Topics], documents: DocumentData, top: int = 8) -> TopicTable:
    """The `top` most probable words of each topic, and its share of the documents' tokens, model beside model.

    Probable in the topic, p(word | topic): pyLDAvis' relevance with lambda at 1, so the map shows the same words, under
    the same numbers. Raises ValueError for models that cannot be compared.
    """
    return TopicTable(tell_all(models, documents), top)
