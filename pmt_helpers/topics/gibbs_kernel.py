"""One pass of the collapsed Gibbs sampler over all tokens, compiled. Notebook 03, step 2.

Every token is taken out of the counts, gets a topic drawn from what all others say, and is put back: a chain of small
steps, each of which waits for the one before. So these steps are kept few: the counts of a word lie side by side, in
blocks of eight topics; a document's part of the weights is changed for two topics per token instead of computed again;
and a draw finds first the block, then the topic in it, by counting instead of branching.

Sums are taken in a fixed order (`block_sum`), and the compiler may not regroup them. So the chain is the same, bit for
bit, on every processor, and `gibbs_reference.py` has the same one in NumPy.

Numbers that count are unsigned: a signed index might be negative, and Numba's check for that stops vectorisation.
"""

from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
from tqdm.auto import tqdm

from pmt_helpers.topics.gibbs_reference import BLOCK, Loops, Tables

F = np.float32
U = np.uint64
_8 = U(BLOCK)
Array = np.ndarray
_part = numba.njit(error_model="numpy", forceinline=True)
_compiled = numba.njit(error_model="numpy", nogil=True, cache=True)


@_part
def block_sum(p: Array, k: np.uint64) -> float:
    """The sum of p[k] to p[k + 7]."""
    first, second = (p[k] + p[k + U(1)]) + (p[k + U(2)] + p[k + U(3)]), p[k + U(4)] + p[k + U(5)]
    return first + (second + (p[k + U(6)] + p[k + U(7)]))


@_part
def _draw(p: Array, before: Array, u: np.float32, n_topics: np.uint64) -> np.uint64:
    """A topic with probability p[k] / sum(p), for u from [0, 1). before: room for one number per block."""
    total = F(0)
    for b in range(U(before.size)):
        before[b] = total
        total += block_sum(p, U(b) * _8)
    rest = u * total
    block = U(0)
    for b in range(U(1), U(before.size)):
        block += U(rest >= before[b])
    rest -= before[block]
    k = block * _8
    one = p[k]
    two = one + p[k + U(1)]
    four = two + (p[k + U(2)] + p[k + U(3)])
    six = four + (p[k + U(4)] + p[k + U(5)])
    passed = U(rest >= one) + U(rest >= two) + U(rest >= two + p[k + U(2)]) + U(rest >= four)
    passed += U(rest >= four + p[k + U(4)]) + U(rest >= six) + U(rest >= six + p[k + U(6)])
    return min(k + passed, n_topics - U(1))  # rounding must not end in the padding


@_compiled
def sweep(words: Array, starts: Array, z: Array, draws: Array, tables: Tables) -> None:
    """Draw the topic of each token anew, in place, in the order of the tokens. All checks are made by the caller.

    words, z (topics), draws: one per token, uint32, uint32 and float32. starts: int64, document d has the tokens from
    starts[d] to starts[d + 1].
    """
    word_topic, doc_topic, totals, eta, eta_step, alpha, n_topics = tables
    one, width, step, n = F(1), U(totals.size), U(eta_step), U(n_topics)
    share, p, before = np.zeros(width, F), np.zeros(width, F), np.zeros(width // _8, F)
    for d in range(U(starts.size - 1)):
        doc = d * width
        for k in range(width):
            share[k] = (doc_topic[doc + k] + alpha) / F(totals[k])
        for i in range(U(starts[d]), U(starts[d + U(1)])):
            row, prior = U(words[i]) * width, U(words[i]) * step
            old = U(z[i])
            word_topic[row + old] -= one
            doc_topic[doc + old] -= one
            totals[old] -= 1.0
            share[old] = (doc_topic[doc + old] + alpha) / F(totals[old])
            for k in range(width):
                p[k] = share[k] * (word_topic[row + k] + eta[prior + k])
            new = _draw(p, before, draws[i], n)
            z[i] = new
            word_topic[row + new] += one
            doc_topic[doc + new] += one
            totals[new] += 1.0
            share[new] = (doc_topic[doc + new] + alpha) / F(totals[new])


@_compiled
def bits(words: Array, counts: Array, starts: Array, tables: Tables) -> float:
    """Sum over all tokens of log2 sum_k theta_dk phi_kw.

    words, counts: one per entry of the table documents x words; starts: where the entries of each document begin.
    """
    word_topic, doc_topic, totals, eta, eta_step, alpha, n_topics = tables
    width, step = U(totals.size), U(eta_step)
    share, p = np.zeros(width, F), np.zeros(width, F)
    total_bits = 0.0
    for d in range(U(starts.size - 1)):
        doc = d * width
        length = 0.0
        for k in range(width):
            length += doc_topic[doc + k]
        for k in range(width):
            share[k] = (doc_topic[doc + k] + alpha) / F((length + n_topics * np.float64(alpha)) * totals[k])
        for i in range(U(starts[d]), U(starts[d + U(1)])):
            row, prior = U(words[i]) * width, U(words[i]) * step
            for k in range(width):
                p[k] = share[k] * (word_topic[row + k] + eta[prior + k])
            total = F(0)
            for b in range(width // _8):
                total += block_sum(p, U(b) * _8)
            total_bits += counts[i] * np.log2(np.float64(total))
    return total_bits


def compiled_loops() -> Loops:
    """`sweep` and `bits`, compiled: some seconds, with a bar, the first time on a machine; later read from a file."""

    def first_calls() -> None:
        words, starts, flat = np.zeros(0, np.uint32), np.zeros(1, np.int64), np.zeros(0, F)
        tables = Tables(flat, flat, np.ones(BLOCK), flat, 0, F(1), 1)
        sweep(words, starts, words, flat, tables)
        bits(words, np.zeros(0), starts, tables)

    compile_once(bits, first_calls)
    return Loops(sweep, bits)


def compile_once(function: Callable, first_calls: Callable[[], object]) -> None:
    """Run first_calls, which compiles `function`, unless it is compiled; with a bar where no cache file has it."""
    if not function.signatures:  # type: ignore[attr-defined]
        pattern = f"{function.__module__.rpartition('.')[2]}.{function.__name__}-*.nbi"
        cached = any(Path(function.stats.cache_path or ".").glob(pattern))  # type: ignore[attr-defined]
        with tqdm(total=1, desc="compiling, once on this machine", leave=False, disable=cached) as bar:
            first_calls()
            bar.update()
