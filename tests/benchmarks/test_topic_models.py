"""The benchmark compares like with like: every engine reads the same tokens, and is asked the same questions.

gensim's LdaMulticore forks, which a process full of other libraries' threads had better not do: it runs in the last
test, in a process of its own.
"""

import re
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

WITH_WORKERS = "gensim LdaMulticore, 2 workers"


@pytest.fixture(scope="module")
def problem(benchmark: ModuleType) -> Any:
    """Two kinds of text: half of the documents are made of each half of the words. Some words came into none."""
    rng = np.random.default_rng(0)
    words = np.full((120, 40), 0.02)
    words[::2, :20] += 1.0
    words[1::2, 20:] += 1.0
    counts = rng.poisson(words * 3.0)
    counts[:, [5, 31]] = 0
    counts = csr_array(counts[:, counts[:80].any(axis=0)])
    return benchmark.Problem(counts[:80], counts[80:], n_topics=4, alpha=0.5, beta=0.1)


@pytest.fixture(scope="module")
def engines(benchmark: ModuleType, problem: Any) -> dict[str, Any]:
    """Those that are installed: ours and its peers in the workbook's own requirements at least."""
    forking = {name: engine for name, engine in benchmark.ENGINES.items() if name != WITH_WORKERS}
    found, _ = benchmark.compiled_and_imported(problem, forking)
    assert set(found) >= {"ours", "gensim LdaModel", "scikit-learn, online"}
    return found


def test_every_engine_reads_every_token_and_has_the_same_beta(problem: Any, engines: dict[str, Any]) -> None:
    """With one topic there is nothing to choose: it is the words' frequencies, smoothed by beta."""
    few = problem.counts[:3]  # where beta weighs
    single = replace(problem, counts=csr_array(few[:, few.sum(axis=0) > 0]), n_topics=1)
    smoothed = single.counts.sum(axis=0) + single.beta
    expected = smoothed / smoothed.sum()
    for name, engine in engines.items():
        (step,) = engine.train(single, (100,))  # online, the start is forgotten little by little
        chains = 2 if "2 chains" in name else 1
        assert step.tokens == 100 * chains * single.tokens, name
        np.testing.assert_allclose(step.phi, expected[None], rtol=1e-3, err_msg=name)


def test_every_engine_finds_topics_that_foretell(benchmark: ModuleType, problem: Any, engines: dict[str, Any]) -> None:
    unigram = benchmark.unigram_bits(problem)
    for name, engine in engines.items():
        begun, step = engine.train(problem, (1, 20))
        assert (begun.iterations, step.iterations) == (1, 20)
        assert step.phi.shape == (4, problem.counts.shape[1]), name
        assert (step.phi > 0).all(), name
        np.testing.assert_allclose(step.phi.sum(axis=1), 1, atol=1e-5, err_msg=name)
        bits = benchmark.held_out_bits(step.phi, problem.held_out, problem.alpha)
        assert bits > unigram + 0.5, name  # to know which half of the words it is saves nearly one bit


def test_an_engine_that_is_not_installed_is_left_out_with_a_line(
    benchmark: ModuleType, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("tomotopy", "lda"):
        monkeypatch.setitem(sys.modules, package, None)  # importing it fails
    names = ("ours", "tomotopy, 1 worker", "tomotopy, 2 workers", "lda (Riddell)")
    found, absent = benchmark.compiled_and_imported(problem, {name: benchmark.ENGINES[name] for name in names})
    assert list(found) == ["ours"]
    assert absent == ["tomotopy: not installed", "lda: not installed"]


def test_a_level_counts_from_the_first_look_that_reached_it(
    benchmark: ModuleType, problem: Any, engines: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(benchmark, "ITERATIONS", (1, 3, 50))
    monkeypatch.setattr(benchmark, "EARLY", 1)
    little, known = engines["ours"].train(problem, (1, 50))
    nothing = np.full_like(known.phi, 1 / known.phi.shape[1])
    asked = []

    def clever(_: Any, upto: Any) -> Any:
        """Nothing, then what ours knows after one iteration, then what it knows after fifty."""
        asked.append(list(upto))
        for iterations in upto:
            phi = (nothing, little.phi, known.phi, known.phi)[iterations - 1]
            yield known._replace(iterations=iterations, cpu=1e-9, phi=phi)

    def stupid(_: Any, upto: Any) -> Any:
        for iterations in upto:
            yield known._replace(iterations=iterations, phi=nothing)

    peers = {"clever": benchmark.Engine(clever, 2, (1, 2, 3, 4)), "stupid": benchmark.Engine(stupid, 2, (1, 2))}
    levels = benchmark.seconds_to_levels(problem, {"ours": engines["ours"], **peers}, rounds=3)
    for own, bits in zip(levels.reached["ours"], levels.bits, strict=True):
        assert own.bits >= bits > benchmark.unigram_bits(problem)
    assert [(one.iterations, len(one.cpu)) for one in levels.reached["clever"]] == [(2, 3), (3, 3)]
    assert asked == [[1, 2, 3, 4], [2, 3], [2, 3]]  # once it is known when, nobody looks between
    assert levels.reached["stupid"] == [None, None]
    benchmark.print_levels(levels, 0.0)
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("stupid"))
    assert line.count("never") == 2
    assert line.endswith("after 2, when it was stopped")


def test_the_clock_adds_up_its_own_work_and_that_of_ended_children(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = import_module("parts.turns")
    clock, own, children = turns.Clock(), iter((1.0, 2.0, 10.0, 13.0)), iter((0.0, 5.0, 5.0, 5.0))
    monkeypatch.setattr(turns, "time", SimpleNamespace(process_time=own.__next__, perf_counter=lambda: 0.0))
    times = lambda: SimpleNamespace(children_user=next(children), children_system=0.25)  # noqa: E731
    monkeypatch.setattr(turns, "os", SimpleNamespace(times=times))
    for expected in (1.0 + 5.0, 6.0 + 3.0):
        with clock:
            pass
        assert clock.cpu == expected


def test_the_whole_benchmark_runs(benchmark: ModuleType) -> None:
    """On a few news: each engine has a row in both tables, better topics than frequencies alone, the same twice."""
    done = subprocess.run([sys.executable, benchmark.__file__, "quick"], capture_output=True, text=True, check=True)
    rates, levels = done.stdout.split("CPU seconds to bits")
    assert "Warning" not in done.stderr
    assert "the same topics: True" in levels
    unigram = float(re.search(r"frequency alone: (-[\d.]+)", levels)[1])
    targets = [float(bits) for bits in re.findall(r"to (-\d+\.\d+)", levels)]
    assert len(targets) == 2
    assert min(targets) > unigram
    absent = re.findall(r"^(\w+): not installed", done.stdout, re.MULTILINE)
    for name, engine in benchmark.ENGINES.items():
        row = re.compile(rf"^{re.escape(name)} +(.*)$", re.MULTILINE)
        there = not any(package in name for package in absent)
        assert bool(row.search(rates)) == there, name
        assert bool(row.search(levels)) == (there and bool(engine.looks)), name
    beside = re.findall(r"^news +(\d+) +(\d) +[\d.]+ +[\d.]+ +[\d.]+ \(", levels, re.MULTILINE)
    assert beside == ([] if "tomotopy" in absent else [(k, workers) for k in ("5", "10") for workers in ("1", "2")])
    ends = re.findall(r"(-\d+\.\d+) after \d+, when it was stopped", levels)
    assert all(float(bits) > unigram for bits in ends)
