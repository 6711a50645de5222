"""Secure aggregation: the cloud learns the sum of what people upload, and no single upload. Notebook 07.

After Bonawitz et al. 2017, "Practical secure aggregation". Numbers become whole ones modulo 2^32, and each pair of
people shares a seed: one adds the mask drawn from it, the other takes it away, so that the sum of all uploads has none.
When somebody drops out, their pairs' masks stay. So each seed is split among all (Shamir 1979), and the cloud asks
those who are left for their shares of it. Each person adds a mask of their own too, which is removed for those who
uploaded: a cloud that takes a late upload for a drop-out still cannot read it.

Limits. It is one process: the seeds of pairs are dealt, where devices would agree on them (Diffie and Hellman) through
the cloud, and encrypt the shares. Splitting the seed of each pair costs the cube of the number of people, where the
paper splits one key of each person. A person must answer once only: who answers twice, with different drop-outs, gives
both masks away. The sum itself is not protected, and one person may spoil it unseen.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

FRACTION = 24  # bits after the binary point: sums from -128 to 128, in steps of 6e-8
PRIME = 2**130 - 5  # the field of shares, larger than a seed
SEED_BYTES = 16

Pair = tuple[int, int]  # two people, the lower number first; twice the same one for the seed of their own mask
Source = Callable[[int], bytes]


@dataclass(frozen=True, eq=False)
class Party:
    """One person: the seeds they know, by pair, and their share of every seed."""

    number: int
    seeds: Mapping[Pair, int]
    shares: Mapping[Pair, int]

    def masked(self, values: np.ndarray) -> np.ndarray:
        """What is uploaded instead of whole numbers modulo 2^32: uint32 of the same shape."""
        return reduce(np.add, (_signed_mask(self.number, *seed, values.shape) for seed in self.seeds.items()), values)

    def answer(self, uploaded: set[int]) -> dict[Pair, int]:
        """Shares of each uploader's own seed, and of the seeds of pairs of which one has uploaded and one has not.

        Never of both masks of one upload.
        """
        return {pair: share for pair, share in self.shares.items() if _to_open(pair, uploaded)}


def deal_seeds(n_people: int, threshold: int, source: Source = secrets.token_bytes) -> list[Party]:
    """People who know the seeds of their pairs, and a share of every seed; any `threshold` of them can open one."""
    people = range(n_people)
    seeds = {(a, b): int.from_bytes(source(SEED_BYTES)) for a in people for b in range(a, n_people)}
    shares = {pair: split_secret(seed, n_people, threshold, source) for pair, seed in seeds.items()}
    return [
        Party(
            one,
            {pair: seed for pair, seed in seeds.items() if one in pair},
            {pair: parts[one] for pair, parts in shares.items()},
        )
        for one in people
    ]


def split_secret(secret: int, n_shares: int, threshold: int, source: Source = secrets.token_bytes) -> list[int]:
    """Shamir's shares: a random polynomial with the secret at 0, at 1, 2, ... Fewer than `threshold` tell nothing."""
    random = [int.from_bytes(source(2 * SEED_BYTES)) % PRIME for _ in range(threshold - 1)]
    return [reduce(lambda total, c: (total * x + c) % PRIME, [*random, secret], 0) for x in range(1, n_shares + 1)]


def join_shares(shares: Mapping[int, int]) -> int:
    """The secret, from the shares of `threshold` people, by person from 0 on (Lagrange's interpolation at 0)."""
    secret = 0
    for i, share in shares.items():
        others = [j for j in shares if j != i]
        above = reduce(lambda product, j: product * (j + 1) % PRIME, others, 1)
        below = reduce(lambda product, j: product * (j - i) % PRIME, others, 1)
        secret += share * above * pow(below, -1, PRIME)
    return secret % PRIME


def unmask(uploads: Mapping[int, np.ndarray], answers: Mapping[int, Mapping[Pair, int]], threshold: int) -> np.ndarray:
    """The sum of what the uploads hide, modulo 2^32, from the answers of `threshold` people or more, by person.

    Raises ValueError for fewer answers.
    """
    if len(answers) < threshold:
        raise ValueError(f"{len(answers)} people answer, and {threshold} are needed to take the masks away")
    helpers = sorted(answers)[:threshold]
    total = reduce(np.add, uploads.values())
    for pair in answers[helpers[0]]:
        seed = join_shares({helper: answers[helper][pair] for helper in helpers})
        uploader = pair[0] if pair[0] in uploads else pair[1]
        total = total - _signed_mask(uploader, pair, seed, total.shape)
    return total


@dataclass(frozen=True, eq=False)
class MaskedSum:
    """What a cloud gets. total: the sum of those who uploaded, float64. uploads: uint32, by person."""

    total: np.ndarray
    uploads: Mapping[int, np.ndarray]


def secure_sum(
    uploads: np.ndarray, *, dropped: Sequence[int] = (), silent: Sequence[int] = (), threshold: int | None = None,
    insecure_seed: int | None = None,
) -> MaskedSum:  # fmt: skip
    """The sum over people without a look at any of them: all steps of the protocol, in one process.

    Parameters
    ----------
    uploads: (n_people, ...), what each has; rounded to whole multiples of 2^-24. The sum is exactly that of those.
    dropped: people, numbered from 0, who are gone before they upload.
    silent: people who upload and are gone before they answer with their shares.
    threshold: answers needed, more than half of the people (or two halves could be told different things). By default
        two thirds.
    insecure_seed: of masks that come out again, for experiments: whoever knows it can take them away. None draws them
        from the system's secure source.

    Raises ValueError for numbers whose sum might leave -128 to 128, and when fewer people answer than `threshold`.
    """
    values = np.asarray(uploads, np.float64)
    n_people = len(values) if values.ndim else 0
    if n_people < 2:
        raise ValueError(f"uploads must be those of 2 people or more, one a row; got shape {values.shape}")
    if not np.abs(values).max(initial=0) * n_people < 2 ** (31 - FRACTION):
        most = 2 ** (31 - FRACTION) / n_people
        raise ValueError(f"uploads of {n_people} people must be numbers between -{most:g} and {most:g}: scale them")
    threshold = n_people - n_people // 3 if threshold is None else threshold
    if not n_people // 2 < threshold <= n_people:
        raise ValueError(f"threshold must be {n_people // 2 + 1} to {n_people} for {n_people} uploads; got {threshold}")
    for name, who in (("dropped", dropped), ("silent", silent)):
        if unknown := set(who) - set(range(n_people)):
            raise ValueError(f"{name} must be people from 0 to {n_people - 1}; got {sorted(unknown)}")
    source = secrets.token_bytes if insecure_seed is None else np.random.default_rng(insecure_seed).bytes
    people = deal_seeds(n_people, threshold, source)
    whole = np.rint(values * 2**FRACTION).astype(np.int64).astype(np.uint32)
    sent = {one.number: one.masked(whole[one.number]) for one in people if one.number not in dropped}
    answers = {one: people[one].answer(set(sent)) for one in sent if one not in silent}
    return MaskedSum(unmask(sent, answers, threshold).view(np.int32) / 2**FRACTION, sent)


def _to_open(pair: Pair, uploaded: Iterable[int]) -> bool:
    both = [one in uploaded for one in pair]
    return any(both) and (pair[0] == pair[1] or not all(both))


def _signed_mask(person: int, pair: Pair, seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """The mask of a seed as this person adds it: of a pair, the lower number adds what the other one takes away."""
    drawn = hashlib.shake_256(seed.to_bytes(SEED_BYTES)).digest(4 * int(np.prod(shape)))
    mask = np.frombuffer(drawn, "<u4").astype(np.uint32).reshape(shape)
    return mask if person == pair[0] else -mask
