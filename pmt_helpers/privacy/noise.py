"""Noise fit to publish: exact, in whole numbers, from the operating system's secure source. Notebook 05, step 3.

Floating-point noise takes few values, and its last digits tell what it was added to (Mironov 2012); noise of a known
seed can be subtracted. Here the bytes are `os.urandom`'s, which nobody can predict from those seen; seeding NumPy's
generators from it would not do, since a few of their outputs give away the rest. Each unit's values are truncated onto
a grid and added up as integers; the noise is the floor of a real normal (or Laplace) number in steps of that grid. As
whole + floor(z) = floor(whole + z), what is published is the continuous mechanism, rounded afterwards, which costs no
privacy: every accountant for the continuous one holds. Not hidden is the time that a draw takes. Labels that are
changed at random before they are sent (`randomised_response`) are drawn from the same bytes.
"""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numba
import numpy as np

Array = np.ndarray
Source = Callable[[int], bytes]
Draw = Callable[[int, bool], Array]  # draw(size, normal)
BITS = 20  # steps of the grid in one scale of the noise: 2**20
MECHANISMS = ("gaussian", "laplace")
CLIP_MARGIN, NORM_MARGIN = 1 - 2.0**-32, 1 - 2.0**-40  # for rounding in clipping, and in the largest norm itself
MAX_BOUND = 2.0**30  # of one unit in steps: squares and sums of eight billion units stay below 2**63
RESERVE = 4096  # bytes left when a draw starts. One takes about 20; more than this has a probability below 2**-300
SHARES = np.array([0] + [256 // n for n in range(1, 257)])  # of a byte's values, for a probability of 1 / n
_compiled = numba.njit(error_model="numpy", nogil=True, cache=True)
_drawing = numba.njit(error_model="numpy", nogil=True, cache=True, boundscheck=True)  # a broken source ends in an error


@dataclass(frozen=True)
class Grid:
    """The whole numbers in which a noisy sum is formed.

    clip: largest norm of one unit's values, L2 ("gaussian") or L1 ("laplace"). scale: of the noise, in the same unit:
    a standard deviation, or b; 0 for none, and no guarantee. Raises ValueError for an unknown mechanism, for numbers
    that are not finite, and for noise below a thousandth of the clip, which is as good as none.
    """

    clip: float
    scale: float
    mechanism: str = "gaussian"

    def __post_init__(self) -> None:
        if self.mechanism not in MECHANISMS:
            raise ValueError(f"mechanism must be one of {', '.join(MECHANISMS)}; got {self.mechanism!r}")
        if not (0 < self.clip < math.inf and 0 <= self.scale < math.inf and self.bound <= MAX_BOUND):
            raise ValueError(f"noise of scale {self.scale!r} hides nobody who may add {self.clip!r}; use more, or none")

    @property
    def step(self) -> float:
        """What one whole number stands for."""
        return (self.scale or self.clip) / 2**BITS

    @property
    def bound(self) -> float:
        """The largest norm of one unit, in steps."""
        return self.clip / self.step * NORM_MARGIN

    def truncated(self, values: Array) -> Array:
        """One unit's values as int64 steps, clipped and then truncated towards zero: the norm never exceeds `bound`."""
        return truncate(np.asarray(values, float) / self.step, self.bound, self.mechanism == "gaussian")

    def published(self, total: Array, draw: Draw | None = None) -> Array:
        """The sum of steps with noise on each, as numbers. draw: noise for its size and kind, by default the secret."""
        if not self.scale:
            return total * self.step
        noise = (draw or draw_noise)(total.size, self.mechanism == "gaussian")
        return (total + noise.reshape(total.shape) + 0.5) * self.step  # floor() has taken half a step away


def secret_bytes(n: int) -> bytes:
    """Bytes of the operating system's cryptographic generator; what the noise and the batches are made of."""
    return os.urandom(n)


def coin_flips(shape: tuple[int, ...], probability: float, source: Source | None = None) -> Array:
    """True with a probability of `probability`, rounded down to a multiple of 2**-63, each by itself."""
    numbers = secret_numbers(math.prod(shape), source)
    return (numbers < np.uint64(int(probability * 2**63))).reshape(shape)


def secret_numbers(size: int, source: Source | None = None) -> Array:
    """Whole numbers from 0 to 2**63 - 1, all equally likely; (size,) uint64."""
    return np.frombuffer((source or secret_bytes)(8 * size), np.uint64) >> np.uint64(1)


def randomised_response(
    y: Array, epsilon: float, n_classes: int, insecure_seed: int | Sequence[int] | None = None
) -> Array:
    """Labels as volunteers send them: each is kept with odds of e**epsilon against any one other class (Warner 1965).

    So the true label is sent with probability e**epsilon / (e**epsilon + n_classes - 1), and whoever sees what was
    sent, the cloud too, learns at most epsilon about each label (local differential privacy, delta 0; Kairouz et al.
    2016). Features, and how many windows somebody sends, are not protected. Sent twice, a label costs twice as much.

    Parameters
    ----------
    y : (n_windows,) class numbers, left as they are
    epsilon : of each label; math.inf keeps all of them
    n_classes : number of classes, at least 2
    insecure_seed : of draws that come out again, for experiments: whoever knows it knows the labels. None draws from
        the operating system's secure source.

    Returns (n_windows,) class numbers of the same type. Raises ValueError for an epsilon that is no number above 0, and
    for labels that are no classes.
    """
    y = np.asarray(y)
    if not (isinstance(epsilon, int | float) and epsilon > 0):  # NaN is not above 0 either
        raise ValueError(f"epsilon must be a number above 0 (math.inf to keep all labels); got {epsilon!r}")
    if n_classes < 2:
        raise ValueError(f"n_classes must be at least 2, or there is nothing to hide; got {n_classes}")
    unknown = np.setdiff1d(y, np.arange(n_classes))
    if y.ndim != 1 or not np.issubdtype(y.dtype, np.integer) or len(unknown):
        found = f"{unknown[:5].tolist() or y.dtype} in an array of shape {y.shape}"
        raise ValueError(f"y must be whole numbers from 0 to {n_classes - 1}, one per window; got {found}")
    if math.isinf(epsilon):
        return y.copy()
    kept, each = response_counts(epsilon, n_classes)
    if insecure_seed is None:
        numbers = secret_numbers(len(y))
    else:
        numbers = np.random.default_rng(insecure_seed).integers(2**63, size=len(y), dtype=np.uint64)
    changed = numbers >= np.uint64(kept)
    further = 1 + (numbers[changed] - np.uint64(kept)) // np.uint64(each)
    sent = y.copy()
    sent[changed] = (y[changed].astype(np.int64) + further.astype(np.int64)) % n_classes
    return sent


def response_counts(epsilon: float, n_classes: int) -> tuple[int, int]:
    """Of 2**63 equally likely numbers, how many keep a label, and how many change it to each of the others.

    The latter is rounded up, so that the ratio never exceeds e**epsilon. By decimals: floats would lose small chances.
    """
    each = math.ceil(2**63 / (Decimal(min(epsilon, 1000.0)).exp() + n_classes - 1))
    return 2**63 - (n_classes - 1) * each, each


def draw_noise(size: int, normal: bool = True, source: Source | None = None) -> Array:
    """floor(2**BITS z) of exact standard normal or Laplace numbers z, as int64; source: of random bytes."""
    noise, done = np.empty(size, np.int64), 0
    while done < size:
        n_bytes = min(1 << 22, 2 * RESERVE + 24 * (size - done))
        random = np.frombuffer((source or secret_bytes)(n_bytes), np.uint8)
        done += fill(random, noise[done:], normal)
    return noise


def known_noise(rng: np.random.Generator | None) -> Draw | None:
    """The same from NumPy's numbers: whoever knows the seed knows the noise. The stored results were made with it."""
    if rng is None:
        return None
    return lambda size, normal: floored(rng.standard_normal(size) if normal else rng.laplace(size=size))


def floored(z: Array) -> Array:
    """Numbers in scales of the noise as whole steps."""
    return np.floor(np.asarray(z, float) * 2**BITS).astype(np.int64)


@_compiled
def truncate(values: Array, bound: float, squared: bool) -> Array:
    """Values of one unit, in steps, as int64 of an L2 (squared) or L1 norm of at most `bound`, by integer arithmetic.

    Looks at nothing but these values, in a fixed order. Values that are not finite count as 0, all of them.
    """
    norm = 0.0
    for value in values:
        norm += value * value if squared else abs(value)
    norm = math.sqrt(norm) if squared else norm
    whole = np.zeros(values.size, np.int64)
    if not norm < math.inf:
        return whole
    share = min(1.0, bound * CLIP_MARGIN / max(norm, 1e-300))
    length = np.int64(0)
    for i in range(values.size):
        whole[i] = np.int64(values[i] * share)
        length += whole[i] * whole[i] if squared else abs(whole[i])
    if length > (bound * bound if squared else bound):  # never yet: the margin is wider than rounding
        whole[:] = 0
    return whole


@_drawing
def fill(random: Array, noise: Array, normal: bool) -> int:
    """Make noise from random bytes until either is used up; returns how many numbers were made.

    Karney (2016), algorithm N, for normal numbers: |z| = whole + x has the density exp(-(whole² + 2 whole x + x²) / 2);
    the same with exp(-whole - x) for Laplace ones. Of x only those digits are drawn that a comparison asks for. Stops
    between draws, never within one: drawing again when bytes run out would favour numbers that need few of them.
    """
    at, done, x = 0, 0, np.zeros(32, np.uint8)
    while done < noise.size and at < random.size - RESERVE:
        accepted = False
        while not accepted:
            whole, digits, accepted = -1, 0, True
            while accepted:
                whole += 1
                accepted, at, digits = _exp_minus(random, at, x, digits, 0)
            if not normal:
                whole //= 2
            halves, ones = (whole * (whole - 1), whole) if normal else (0, 1)
            accepted = True
            while accepted and halves > 0:
                accepted, at, digits = _exp_minus(random, at, x, digits, 0)
                halves -= 1
            while accepted and ones > 0:
                accepted, at, digits = _exp_minus(random, at, x, digits, 1)
                ones -= 1
            if accepted and normal:
                accepted, at, digits = _exp_minus(random, at, x, digits, 2)
        value = np.int64(whole)
        for i in range((BITS + 7) // 8):
            if i == digits:
                x[i], at, digits = random[at], at + 1, digits + 1
            value = value << 8 | np.int64(x[i])
        noise[done] = value >> (-BITS % 8) ^ -np.int64(random[at] & 1)  # floor(-a) is -floor(a) - 1
        at, done = at + 1, done + 1
    return done


@_drawing
def _exp_minus(random: Array, at: int, x: Array, digits: int, power: int) -> tuple[bool, int, int]:
    """True with probability exp(-1/2), exp(-x) or exp(-x²/2) for power 0, 1 and 2 (von Neumann's way).

    Of successes with probability g, g/2, g/3 and so on, the first failure comes after an even number with exp(-g).
    """
    n, success = 0, True
    while success:
        n += 1
        for _ in range(power):
            if success:
                success, at, digits = _below(random, at, x, digits)
        if success:
            success, at = _one_in(random, at, n if power == 1 else 2 * n)
    return n % 2 == 1, at, digits


@_drawing
def _one_in(random: Array, at: int, n: int) -> tuple[bool, int]:
    """True with probability 1 / n, by one byte, or another where it falls into the rest."""
    while n > 1:
        byte = np.int64(random[at])
        at += 1
        if byte < SHARES[n] * n:
            return byte < SHARES[n], at
    return True, at


@_drawing
def _below(random: Array, at: int, x: Array, digits: int) -> tuple[bool, int, int]:
    """Whether a new uniform number is below x, of which `digits` bytes are known; more are drawn when needed."""
    for i in range(x.size):
        if i == digits:
            x[i], at, digits = random[at], at + 1, digits + 1
        byte = random[at]
        at += 1
        if byte != x[i]:
            return byte < x[i], at, digits
    raise RuntimeError("256 random bits agree: the source of randomness is broken")
