"""What an iteration costs goes with its tokens; which tokens a share of the vocabulary keeps is counted right."""

import numpy as np

from pmt_helpers.experiments import figure_8
from pmt_helpers.topics import TopicSettings


def test_every_size_has_its_tokens_and_a_time(planted) -> None:
    rows = figure_8(planted.counts, TopicSettings(n_topics=4), documents=(50, 100, 1000), percents=(10, 50), rounds=1)
    assert list(rows) == ["by", "size", "tokens", "seconds"]
    assert [tuple(row) for row in rows[["by", "size"]].itertuples(index=False)] == [
        ("documents", 50),
        ("documents", 100),
        *((name, percent) for name in ("frequent words", "random words") for percent in (10, 50)),
    ]
    tokens = rows.set_index(["by", "size"])["tokens"]
    assert tokens["documents", 50] * 2 == tokens["documents", 100] == 100 * 80
    by_word = np.sort(planted.counts.toarray().sum(axis=0))[::-1]
    assert tokens["frequent words", 10] == by_word[:6].sum()
    assert tokens["frequent words", 50] == by_word[:30].sum() > tokens["random words", 50]
