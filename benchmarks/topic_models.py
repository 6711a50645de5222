"""Topic models: ours beside its peers, by tokens a second and by seconds to the same held-out likelihood. `make bench`.

One run, the same counts, K, alpha and beta for every engine. Engines take turns, and each is compared with ours in the
same round, so that whatever else the machine does hits both; seconds are those of the processor. NIPS where
PMT_DATA_HOME has it, otherwise Wikipedia. tomotopy and lda are no requirements of the workbook; to have them measured:
    .venv/bin/python -m pip install --no-deps --target build/peers tomotopy lda
    PYTHONPATH=build/peers .venv/bin/python benchmarks/topic_models.py
`tomotopy` after it measures only the table of ours beside tomotopy, by number of topics.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from llvmlite.binding import get_host_cpu_name
from parts.topic_engines import Problem, Training, gensim, our_chains, ours, riddell_lda, scikit_learn, tomotopy
from parts.turns import first_line, installed
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from pmt_helpers.datasets import DataError, DocumentData, load_documents
from pmt_helpers.topics import GibbsLDA, held_out_bits, split_documents

N_TRAIN, N_TEST, N_RATE, ROUNDS = 1000, 200, 400, 3  # N_RATE: of the training documents, for the rates
N_TOPICS, ALPHA, BETA = 50, 1.0, 0.1  # the paper's alpha, 50 / K, and beta; scikit-learn takes no alpha above 1
ITERATIONS = (6, 8, 10, 12, 14, 16, 20, 25, 30, 35, 40, 45, 50, 55, 60, 70, 80)
PASSES = (1, 2, 3, 4, 6)
EARLY, LATE, MARGIN = 10, 50, 0.02  # levels to reach: ours after so many iterations, less so many bits
TOPICS, TURN = (20, 50, 100, 200), 6_000_000  # beside tomotopy; tokens of a turn there, with 50 topics
AGAIN = 4  # what took more than so many times as long as ours is not measured again


class Engine(NamedTuple):
    """last: iterations of a turn for the rate, about a second. looks: when it is asked whether it is there yet."""

    train: Training
    last: int
    looks: Sequence[int] = ()


OURS, ONE, TWO = "ours", "ours, 2 chains on 1 thread", "ours, 2 chains on 2 threads"
ENGINES = {
    OURS: Engine(ours, 21, ITERATIONS),
    ONE: Engine(our_chains(1), 21),
    TWO: Engine(our_chains(2), 21),
    "tomotopy, 1 worker": Engine(tomotopy(1), 21, ITERATIONS),
    "tomotopy, 2 workers": Engine(tomotopy(2), 21, ITERATIONS),
    "lda (Riddell)": Engine(riddell_lda, 3, ITERATIONS),
    "gensim LdaModel": Engine(gensim(), 2, PASSES),
    "gensim LdaMulticore, 2 workers": Engine(gensim(2), 2, PASSES),
    "scikit-learn, online": Engine(scikit_learn, 2, PASSES),
}
Engines = Mapping[str, Engine]
# By number of workers. tomotopy shares one chain among them and draws from counts that are out of date.
BESIDE = {1: (OURS, "tomotopy, 1 worker"), 2: (TWO, "tomotopy, 2 workers")}


class Rate(NamedTuple):
    """Tokens a second of processor time, after the first iteration; cores busy; wall seconds of the whole turn."""

    tokens: float
    cores: float
    wall: float


@dataclass
class Reached:
    """The first look at which a level was reached, and the processor's seconds up to there, one a round."""

    iterations: int
    bits: float
    cpu: list[float]


class Levels(NamedTuple):
    """bits: the levels. reached: for each engine, level by level, None for never. ends: its last look and bits."""

    bits: tuple[float, ...]
    reached: dict[str, list[Reached | None]]
    ends: dict[str, tuple[int, float]]


def problem_of(
    documents: DocumentData, n_train: int = N_TRAIN, n_test: int = N_TEST, n_topics: int = N_TOPICS
) -> Problem:
    """Documents dealt by lot into training and held out, over the words that the former have."""
    dealt = split_documents(documents.groups, n_train, n_test)
    train, held_out = (csr_array(documents.counts[rows], dtype=np.int64) for rows in (dealt.shared, dealt.local))
    known = np.flatnonzero(train.sum(axis=0))
    return Problem(csr_array(train[:, known]), csr_array(held_out[:, known]), n_topics, ALPHA, BETA)


def compiled_and_imported(problem: Problem, engines: Engines) -> tuple[dict[str, Engine], list[str]]:
    """The engines that are installed, each run once on a few documents; and a line for each package that is not."""
    few = replace(problem, counts=problem.counts[:20])

    def run_once(engine: Engine) -> Engine:
        next(engine.train(few, (1,)))
        return engine

    return installed(engines, run_once)


def _turns(engines: Engines, rounds: int, what: str) -> Iterator[tuple[int, str, Engine]]:
    turns = [(turn, name, engine) for turn in range(rounds) for name, engine in engines.items()]
    yield from tqdm(turns, desc=what, unit="turn", leave=False)


def rates(
    problem: Problem, engines: Engines, rounds: int = ROUNDS
) -> tuple[dict[str, list[Rate]], dict[str, np.ndarray]]:
    """Rates of each engine, one a round; and its topics."""
    found: dict[str, list[Rate]] = {name: [] for name in engines}
    topics, part = {}, replace(problem, counts=problem.counts[:N_RATE])
    for _, name, engine in _turns(engines, rounds, "rates"):
        first, last = engine.train(part, (1, engine.last))
        cpu, wall = max(last.cpu - first.cpu, 1e-9), max(last.wall - first.wall, 1e-9)
        found[name].append(Rate((last.tokens - first.tokens) / cpu, cpu / wall, last.wall))
        topics[name] = last.phi
    return found, topics


def beside_tomotopy(
    problems: Mapping[str, Problem], n_topics: Sequence[int] = TOPICS, rounds: int = ROUNDS, turn: int = TURN
) -> Iterator[tuple[str, int, int, list[Rate], list[Rate]]]:
    """Documents, topics, workers, our rates and tomotopy's, one a round. alpha is 50 / K."""
    for documents, problem in problems.items():
        for k in n_topics:
            last = 1 + max(2, turn * 100 // (k + 50) // problem.counts[:N_RATE].sum())
            engines = {name: ENGINES[name]._replace(last=last) for pair in BESIDE.values() for name in pair}
            found, _ = rates(replace(problem, n_topics=k, alpha=50 / k), engines, rounds)
            for workers, (our_name, name) in BESIDE.items():
                yield documents, k, workers, found[our_name], found[name]


def seconds_to_levels(problem: Problem, engines: Engines, rounds: int = ROUNDS) -> Levels:
    """Looks are not on the clock; after the first round each engine trains only to where it reached the levels."""
    sizes = problem.n_topics, problem.alpha, problem.beta, problem.seed
    ours_at = GibbsLDA(*sizes).fit(problem.counts, LATE, keep=ITERATIONS[: ITERATIONS.index(LATE) + 1]).phi_at_
    bits_at = {iteration: _bits(problem, phi) for iteration, phi in ours_at.items()}
    levels = tuple(bits_at[iteration] - MARGIN for iteration in (EARLY, LATE))
    looks = {name: engine.looks for name, engine in engines.items() if engine.looks}
    # Ours starts anew for each look, and is known to arrive: no need to search.
    looks[OURS] = sorted({next(i for i, bits in bits_at.items() if bits >= level) for level in levels})
    found, ends = {}, {}
    for turn, name, engine in _turns({name: engines[name] for name in looks}, rounds, "to the same likelihood"):
        if turn == 0:
            found[name], ends[name] = _search(problem, engine.train, looks[name], levels)
            continue
        pairs = zip(found[name], found[OURS], strict=True)
        arrived = [one for one, own in pairs if one and own and one.cpu[0] <= AGAIN * own.cpu[0]]
        for step in engine.train(problem, sorted({reached.iterations for reached in arrived})):
            for reached in arrived:
                if reached.iterations == step.iterations:
                    reached.cpu.append(step.cpu)
    return Levels(levels, found, ends)


def _search(
    problem: Problem, train: Training, looks: Sequence[int], levels: Sequence[float]
) -> tuple[list[Reached | None], tuple[int, float]]:
    seen = []
    for step in train(problem, looks):
        seen.append(Reached(step.iterations, _bits(problem, step.phi), [step.cpu]))
        if seen[-1].bits >= max(levels):
            break
    first = [next((look for look in seen if look.bits >= level), None) for level in levels]
    apart = [look and replace(look, cpu=[*look.cpu]) for look in first]  # one look may have passed both
    return apart, (seen[-1].iterations, seen[-1].bits)


def _bits(problem: Problem, phi: np.ndarray) -> float:
    return held_out_bits(phi, problem.held_out, problem.alpha)


def print_rates(found: Mapping[str, Sequence[Rate]]) -> None:
    print(f"\n{'engine':<34}{'M tokens/CPU s':>15}{'cores':>7}{'ours is x':>11}   lowest to highest of the rounds")
    for name, rounds in sorted(found.items(), key=lambda item: -median(rate.tokens for rate in item[1])):
        times = [own.tokens / rate.tokens for own, rate in zip(found[OURS], rounds, strict=True)]
        tokens, cores = median(rate.tokens for rate in rounds) / 1e6, median(rate.cores for rate in rounds)
        print(f"{name:<34}{tokens:>15.2f}{cores:>7.2f}{median(times):>11.2f}   {min(times):.2f} to {max(times):.2f}")


def print_beside(rows: Iterator[tuple[str, int, int, list[Rate], list[Rate]]]) -> None:
    names = f"numba {version('numba')}, llvmlite {version('llvmlite')}, tomotopy {version('tomotopy')}"
    print(
        f"\nM tokens a second, whole fits, ours with the likelihood of each iteration; {get_host_cpu_name()}, {names}"
    )
    print("The ratio is ours / tomotopy, lowest to highest of the rounds. Two workers: two chains of ours.")
    print(f"{'documents':<12}{'K':>4}{'workers':>9}{'ours':>8}{'tomotopy':>10}   {'per CPU s':<22}per second")
    for documents, k, workers, own, theirs in rows:
        speeds = [[rate.tokens * rate.cores for rate in engine] for engine in (own, theirs)]  # by the clock
        line = f"{documents:<12}{k:>4}{workers:>9}{median(speeds[0]) / 1e6:>8.1f}{median(speeds[1]) / 1e6:>10.1f}"
        for ours_, others in ([[rate.tokens for rate in engine] for engine in (own, theirs)], speeds):
            times = sorted(one / other for one, other in zip(ours_, others, strict=True))
            line += f"   {median(times):.2f} ({times[0]:.2f} to {times[-1]:.2f})"
        print(line, flush=True)


def print_levels(levels: Levels, unigram: float) -> None:
    print(f"\nCPU seconds to bits a held-out word, from the start (each word by its frequency alone: {unigram:.3f})")
    print(f"{'engine':<34}" + "".join(f"{f'to {bits:.3f}':>13}{'after':>7}{'ours is x':>11}" for bits in levels.bits))
    for name, reached in levels.reached.items():
        line = f"{name:<34}"
        for one, own in zip(reached, levels.reached[OURS], strict=True):
            if one is None or own is None:
                line += f"{'never':>13}{'-':>7}{'-':>11}"
                continue
            times = median(theirs / mine for theirs, mine in zip(one.cpu, own.cpu, strict=False))  # slow ones have one
            line += f"{median(one.cpu):>13.2f}{one.iterations:>7}{times:>11.2f}"
        last, bits = levels.ends[name]
        print(line + ("" if all(reached) else f"   {bits:.3f} after {last}, when it was stopped"))


def print_scaling(found: Mapping[str, Sequence[Rate]], same: bool) -> None:
    sooner = [one.wall / two.wall for one, two in zip(found[ONE], found[TWO], strict=True)]
    each = median(two.tokens / one.tokens for one, two in zip(found[ONE], found[TWO], strict=True))
    had = max(rate.cores for rate in found[TWO])
    print(f"\nTwo chains on two threads are done {median(sooner):.2f} times as soon as on one; the same topics: {same}")
    print(f"  the best of the rounds: {max(sooner):.2f}; a CPU second does {each:.2f} times as much")
    print(f"  they had {had:.2f} cores; with much less than 2, something else was at work and the ratio says nothing")


def measure(problem: Problem, rounds: int = ROUNDS) -> None:
    """Both tables, and how far two threads come."""
    (n_docs, n_words), n_held_out = problem.counts.shape, problem.held_out.shape[0]
    print(f"{n_docs} documents, {n_words:,} words, {problem.tokens:,} tokens; {n_held_out} documents held out")
    print(f"K {problem.n_topics}, alpha {problem.alpha:g}, beta {problem.beta:g}; {rounds} rounds")
    engines, absent = compiled_and_imported(problem, ENGINES)
    for line in absent:
        print(line)
    with threadpool_limits(1):
        found, topics = rates(problem, engines, rounds)
        levels = seconds_to_levels(problem, engines, rounds)
    print_rates(found)
    print_levels(levels, unigram_bits(problem))
    print_scaling(found, np.array_equal(topics[ONE], topics[TWO]))


def unigram_bits(problem: Problem) -> float:
    """What a model with one topic, the same for all documents, reaches."""
    counts = problem.counts.sum(axis=0) + problem.beta
    return _bits(problem, (counts / counts.sum())[None])


def measure_beside(problems: Mapping[str, Problem], **options: Any) -> None:
    """The table beside tomotopy, where it is installed."""
    engines = {name: ENGINES[name] for pair in BESIDE.values() for name in pair}
    _, absent = compiled_and_imported(next(iter(problems.values())), engines)
    if absent:
        print("\n".join(absent))
        return
    with threadpool_limits(1):
        print_beside(beside_tomotopy(problems, **options))


def main() -> None:
    """Measure; with `quick`, on a few news and in one round, to see that all works."""
    print(first_line("numpy", "numba", "scikit-learn", "gensim", "tomotopy", "lda"))
    if sys.argv[1:] == ["quick"]:
        problem = problem_of(load_documents("news"), 80, 40, 10)
        measure(problem, rounds=1)
        measure_beside({"news": problem}, n_topics=(5, 10), rounds=1, turn=200_000)
        return
    try:
        name, documents = "nips", load_documents("nips")
    except DataError as error:
        print(f"Wikipedia instead of NIPS: {error}")
        name, documents = "wikipedia", load_documents("wikipedia")
    problem = problem_of(documents)
    if sys.argv[1:] != ["tomotopy"]:
        print(documents.card.title)
        measure(problem)
    measure_beside({name: problem, "news": problem_of(load_documents("news"), 220, 60)})


if __name__ == "__main__":
    main()
