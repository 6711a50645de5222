"""The timed kernels do the work of the workbook's own: the same weights, the same topics."""

from collections import Counter

import numpy as np
import pytest

from pmt_helpers.activity.online import train_plainly
from pmt_helpers.device.pi_profile import (
    BETA,
    Tokens,
    latencies,
    numpy_gibbs,
    numpy_mlp,
    passes,
    python_gibbs,
    synthetic_tokens,
    synthetic_windows,
)
from pmt_helpers.device.workloads import NETWORKS, tokens, windows
from pmt_helpers.topics import gibbs_reference


def test_the_timed_training_makes_the_weights_of_the_reference() -> None:
    start, X, y = windows("watch", 40)
    trainer = numpy_mlp(start, X, y)
    trainer.run(3)
    hidden, output, bias = start.hidden.copy().reshape(-1), start.output.copy().reshape(-1), start.bias.copy()
    none, no_draws, history = np.zeros((0, X.shape[1]), np.float32), np.zeros((0, 0), np.uint32), np.zeros((3, 4))
    train_plainly(
        hidden,
        output,
        bias,
        X,
        y,
        none,
        np.zeros(0, int),
        3,
        no_draws,
        np.float32(0.001),
        1,
        True,
        np.float32(0),
        history,
    )
    scores = np.maximum(X @ hidden.reshape(start.hidden.shape), 0) @ output.reshape(start.output.shape).T + bias
    before = np.maximum(X @ start.hidden, 0) @ start.output.T + start.bias
    assert [trainer.infer(x) for x in X] == scores.argmax(1).tolist() != before.argmax(1).tolist()
    inside = dict(zip(trainer.run.__code__.co_freevars, trainer.run.__closure__, strict=True))["step"].cell_contents
    trained = {
        name: cell.cell_contents for name, cell in zip(inside.__code__.co_freevars, inside.__closure__, strict=True)
    }
    for name, reference in (("W", hidden), ("V", output), ("bias", bias)):
        np.testing.assert_allclose(trained[name].reshape(-1), reference, atol=2e-6)


@pytest.mark.parametrize("gibbs", [numpy_gibbs, python_gibbs])
def test_a_timed_iteration_is_a_pass_of_the_sampler(gibbs) -> None:
    """Two words that never share a document end in topics of their own, and the counts stay counts."""
    corpus = Tokens([0, 1] * 40 + [2, 3] * 40, [d for d in range(8) for _ in range(20)], 4, 8)
    trainer = gibbs(corpus, 2, seed=1)
    trainer.run(60)
    run = dict(zip(trainer.run.__code__.co_freevars, trainer.run.__closure__, strict=True))["sweep"].cell_contents
    state = {name: cell.cell_contents for name, cell in zip(run.__code__.co_freevars, run.__closure__, strict=True)}
    by_word = np.array(state["by_word"], float)
    assert by_word.sum() == 160
    assert (by_word >= 0).all()
    assert np.array(state["totals"]) == pytest.approx(by_word.sum(axis=0) + 4 * BETA)
    assert Counter(state["z"]) == Counter(dict(enumerate(by_word.sum(axis=0).astype(int))))


def test_numpys_iteration_draws_the_topics_of_the_reference() -> None:
    corpus, n_topics = synthetic_tokens(6, 50, 20), 8
    trainer = numpy_gibbs(corpus, n_topics, seed=3)
    rng = np.random.default_rng(3)
    z = rng.integers(0, n_topics, len(corpus.words)).astype(np.uint32)
    words, documents = np.array(corpus.words), np.array(corpus.documents)
    by_word, by_doc = (np.zeros((n, n_topics), np.float32) for n in (corpus.n_words, corpus.n_documents))
    np.add.at(by_word, (words, z), 1)
    np.add.at(by_doc, (documents, z), 1)
    totals = by_word.sum(axis=0, dtype=float) + corpus.n_words * BETA
    starts = np.searchsorted(documents, np.arange(corpus.n_documents + 1))
    eta = np.full(n_topics, BETA, np.float32)
    for _ in range(3):
        trainer.run(1)
        draws = rng.random(len(z)).astype(np.float32)
        tables = by_word.reshape(-1), by_doc.reshape(-1), totals, eta, 0, np.float32(50 / 8), n_topics
        gibbs_reference.sweep(words, starts, z, draws, gibbs_reference.Tables(*tables))
    run = dict(zip(trainer.run.__code__.co_freevars, trainer.run.__closure__, strict=True))["sweep"].cell_contents
    state = {name: cell.cell_contents for name, cell in zip(run.__code__.co_freevars, run.__closure__, strict=True)}
    assert state["z"].tolist() == z.tolist()


@pytest.mark.parametrize("kernel", ["jax", "keras_fit", "keras_batch"])
def test_every_kernel_predicts_as_the_network_says(kernel: str) -> None:
    start, X, y = windows("watch", 5)
    trainer = NETWORKS[kernel](start, X, y)
    expected = (np.maximum(X @ start.hidden, 0) @ start.output.T + start.bias).argmax(1)
    assert [trainer.infer(x) for x in X] == expected.tolist()
    assert trainer.compiles


def test_real_documents_become_tokens_whose_number_goes_with_the_words() -> None:
    ten, twenty, half = tokens("wikipedia", (10, 20), (50,))
    assert (ten.n_documents, twenty.n_documents, half.n_documents) == (10, 20, 20)
    assert len(set(twenty.words)) == twenty.n_words == pytest.approx(2 * half.n_words, abs=1)
    assert twenty.documents == sorted(twenty.documents)
    assert len(half.words) == pytest.approx(len(twenty.words) / 2, rel=0.1)


def test_made_up_data_have_the_true_shapes() -> None:
    start, X, y = synthetic_windows(7)
    assert (start.hidden.shape, start.output.shape, X.shape, y.shape) == ((44, 128), (6, 128), (7, 44), (7,))
    assert start.hidden[:-1].size + start.output.size + 128 + 6 == 6406
    whole, half = synthetic_tokens(80, 1000, 60), synthetic_tokens(80, 1000, 60, 50)
    assert len(whole.words) == 4800
    assert len(half.words) == pytest.approx(2400, rel=0.1)
    assert max(half.words) < half.n_words == 500


def test_spans_cover_all_passes() -> None:
    assert passes(5, 1) == [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]
    assert passes(25, 10) == [(10, 10), (20, 10), (25, 5)]
    assert passes(3, 10) == [(3, 3)]


def test_latencies_are_the_middle_and_the_tail() -> None:
    found = latencies(lambda x: sum(range(2000 if x else 200_000)), [True] * 50 + [False], 102)
    assert 0 < found["latency_ms_median"] < found["latency_ms_p99"]
