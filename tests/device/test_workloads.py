"""The timed kernels do the work of the workbook's own, on its own data."""

import numpy as np
import pytest

from pmt_helpers.activity.online import train_reference
from pmt_helpers.device.pi_profile import numpy_mlp
from pmt_helpers.device.workloads import NETWORKS, tokens, windows


def test_the_timed_training_makes_the_weights_of_the_reference() -> None:
    start, X, y = windows("watch", 40)
    trainer = numpy_mlp(start, X, y)
    trainer.run(3)
    hidden, output, bias = start.hidden.copy().reshape(-1), start.output.copy().reshape(-1), start.bias.copy()
    none, no_draws, history = np.zeros((0, X.shape[1]), np.float32), np.zeros((0, 0), np.uint32), np.zeros((3, 4))
    train_reference(
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


@pytest.mark.parametrize("kernel", ["jax", "keras_fit", "keras_batch"])
def test_every_kernel_predicts_as_the_network_says(kernel: str) -> None:
    start, X, y = windows("watch", 5)
    trainer = NETWORKS[kernel](start, X, y)
    expected = (np.maximum(X @ start.hidden, 0) @ start.output.T + start.bias).argmax(1)
    assert [trainer.infer(x) for x in X] == expected.tolist()
    assert trainer.compiles


def test_tokens_of_real_documents_go_with_the_words() -> None:
    ten, twenty, half = tokens("wikipedia", (10, 20), (50,))
    assert (ten.n_documents, twenty.n_documents, half.n_documents) == (10, 20, 20)
    assert len(set(twenty.words)) == twenty.n_words == pytest.approx(2 * half.n_words, abs=1)
    assert twenty.documents == sorted(twenty.documents)
    assert len(half.words) == pytest.approx(len(twenty.words) / 2, rel=0.1)
