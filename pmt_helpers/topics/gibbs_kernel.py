"""One pass of the collapsed Gibbs sampler over all tokens, compiled. Notebook 03.

Every token is taken out of the counts, gets a topic drawn from what all others say, and is put back. In that order each
step waits for the one before. Here the sampler works one token ahead: it takes the next token out and sums its
weights before this one has its topic. That topic then changes a single weight of the next token, by `extra`, which is
appended to the sums as a last piece. The distribution is exactly that of the plain order.

Up to about 64 topics the time of a token does not depend on their number: what bounds it is the latency from one draw
to the next. So no division is on that path: `raised` holds what `share` becomes where a topic gets a token. With more
topics the sums bound it, and reading the word's row, which is asked for in advance. Random numbers take 2 of 30 ns.

Sums are taken in eight lanes, topic k in lane k mod 8, and the compiler may not regroup them. So the chain is the same,
bit for bit, on every processor, and `gibbs_reference.py` has the same one in NumPy.

Numbers that count are unsigned: a signed index might be negative, and Numba's check for that stops vectorisation.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from tqdm.auto import tqdm

from pmt_helpers.topics.gibbs_reference import BLOCK, Loops, Tables

F = np.float32
U = np.uint64
_8 = U(BLOCK)
SMALL = 1e-250  # and times a weight, more than 1e-38, still far from the smallest float64
AHEAD, LINE = U(4), U(16)  # tokens until a prefetched row is read; numbers in a line of the cache
Array = np.ndarray
_part = numba.njit(error_model="numpy", forceinline=True)
_compiled = numba.njit(error_model="numpy", nogil=True, cache=True)


@intrinsic
def prefetch(_: Any, array: Any, at: Any) -> Any:
    """Ask for the cache line of array[at], which is read soon. No result depends on it; LLVM drops it where it must."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], kind)
        builder.call(function, [pointer, number(0), number(3), number(1)])  # to read; into the nearest cache; data
        return context.get_dummy_value()

    return types.void(array, at), emit


@_part
def _prefetch_row(words: Array, i: int, word_topic: Array, width: np.uint64) -> None:
    row = U(words[min(i + AHEAD, U(words.size) - U(1))]) * width
    for k in range(U(0), width, LINE):
        prefetch(word_topic, row + k)  # type: ignore[call-arg]


@_part
def _begin_document(
    share: Array, raised: Array, doc_topic: Array, doc: np.uint64, totals: Array, eta_totals: Array, alpha: np.float32
) -> None:
    for k in range(U(share.size)):
        share[k] = (doc_topic[doc + k] + alpha) / F(totals[k] + eta_totals[k])
        raised[k] = (doc_topic[doc + k] + F(1) + alpha) / F(totals[k] + 1.0 + eta_totals[k])


@_part
def _weigh(
    sums: Array, at: np.uint64, share: Array, word_topic: Array, row: np.uint64, eta: Array, prior: np.uint64
) -> np.float32:
    """The total weight of a token's topics, summed up in eight lanes.

    From sums[at] on: eight zeros; for each topic the weights in its lane up to it; for each lane all lanes before it.
    """
    width = U(share.size)
    for k in range(width):
        sums[at + _8 + k] = sums[at + k] + share[k] * (word_topic[row + k] + eta[prior + k])
    total = F(0)
    for lane in range(_8):
        sums[at + _8 + width + lane] = total
        total += sums[at + width + lane]
    return total


@_part
def _find(sums: Array, at: np.uint64, width: np.uint64, rest: np.float32, n_topics: np.uint64) -> np.uint64:
    """The topic where the sums pass `rest`: first its lane, then its place there, by counting instead of branching."""
    before, lane = at + _8 + width, U(0)
    for k in range(U(1), _8):
        lane += U(rest >= sums[before + k])
    rest -= sums[before + lane]
    topic = lane
    for k in range(at + _8 + lane, at + width + lane, _8):
        topic += _8 * U(rest >= sums[k])
    return min(topic, n_topics - U(1))  # rounding must not end in the padding


@_compiled
def sweep(words: Array, starts: Array, z: Array, draws: Array, tables: Tables) -> None:
    """Draw the topic of each token anew, in place, in the order of the tokens. All checks are made by the caller.

    words, z (topics), draws: one per token, uint32, uint32 and float32. starts: int64, document d has the tokens from
    starts[d] to starts[d + 1].
    """
    word_topic, doc_topic, totals, eta, eta_totals, eta_step, alpha, n_topics = tables
    one, width, step, n = F(1), U(totals.size), U(eta_step), U(n_topics)
    size = width + U(2) * _8
    share, raised, sums = np.zeros(width, F), np.zeros(width, F), np.zeros(U(2) * size, F)
    for d in range(U(starts.size - 1)):
        doc, first, end = d * width, U(starts[d]), U(starts[d + U(1)])
        _begin_document(share, raised, doc_topic, doc, totals, eta_totals, alpha)
        row, at, new, total, extra = U(0), U(0), U(0), F(0), F(0)
        for i in range(first, end + U(first < end)):  # takes out token i, then gives token i - 1 its topic
            word = U(words[i if i < end else i - U(1)])
            row_next, prior_next, at_next, total_next = word * width, word * step, size - at, F(0)
            _prefetch_row(words, i, word_topic, width)
            if i < end:
                old = U(z[i])
                word_topic[row_next + old] -= one
                doc_topic[doc + old] -= one
                totals[old] -= 1.0
                raised[old] = share[old]
                share[old] = (doc_topic[doc + old] + alpha) / F(totals[old] + eta_totals[old])
                total_next = _weigh(sums, at_next, share, word_topic, row_next, eta, prior_next)
            if i > first:
                rest = draws[i - U(1)] * (total + extra)
                if rest < total:  # otherwise it is the topic that `extra` is for, still in `new`
                    new = _find(sums, at, width, rest, n)
                z[i - U(1)] = new
                without = share[new] * (word_topic[row_next + new] + eta[prior_next + new])
                word_topic[row + new] += one
                doc_topic[doc + new] += one
                totals[new] += 1.0
                share[new] = raised[new]
                extra = share[new] * (word_topic[row_next + new] + eta[prior_next + new]) - without
                raised[new] = (doc_topic[doc + new] + one + alpha) / F(totals[new] + 1.0 + eta_totals[new])
                if extra < F(0):  # rare, only where alpha is larger than a topic's total
                    total_next = _weigh(sums, at_next, share, word_topic, row_next, eta, prior_next)
                    extra = F(0)
            row, at, total = row_next, at_next, total_next


@_compiled
def bits(words: Array, counts: Array, starts: Array, tables: Tables) -> float:
    """Sum over all tokens of log2 sum_k theta_dk phi_kw.

    words, counts: one per entry of the table documents x words; starts: where the entries of each document begin.
    """
    word_topic, doc_topic, totals, eta, eta_totals, eta_step, alpha, n_topics = tables
    width, step = U(totals.size), U(eta_step)
    share, sums = np.zeros(width, F), np.zeros(width + U(2) * _8, F)
    total_bits, product = 0.0, 1.0  # words that occur once share a logarithm
    for d in range(U(starts.size - 1)):
        doc = d * width
        length = 0.0
        for i in range(U(starts[d]), U(starts[d + U(1)])):
            length += counts[i]
        for k in range(width):
            total = totals[k] + eta_totals[k]
            share[k] = (doc_topic[doc + k] + alpha) / F((length + n_topics * np.float64(alpha)) * total)
        for i in range(U(starts[d]), U(starts[d + U(1)])):
            row, prior = U(words[i]) * width, U(words[i]) * step
            _prefetch_row(words, i, word_topic, width)
            weight = _weigh(sums, U(0), share, word_topic, row, eta, prior)
            if counts[i] > 1.0:
                total_bits += counts[i] * np.log2(np.float64(weight))
                continue
            product *= np.float64(weight)
            if product < SMALL:
                total_bits += np.log2(product)
                product = 1.0
    return total_bits + np.log2(product)


def compiled_loops() -> Loops:
    """`sweep` and `bits`, compiled: some seconds, with a bar, the first time on a machine; later read from a file."""

    def first_calls() -> None:
        words, starts, flat = np.zeros(0, np.uint32), np.zeros(1, np.int64), np.zeros(0, F)
        tables = Tables(flat, flat, np.ones(BLOCK), flat, np.ones(BLOCK), 0, F(1), 1)
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
