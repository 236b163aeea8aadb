"""Right answers counted: intervals of a share, and whether the same videos are recognised better in another way."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray


def wilson(right: int, count: int) -> tuple[float, float]:
    """95 % interval of a share.

    Args:
        right: How many of them.
        count: Of how many, at least 1.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    z, share = NormalDist().inv_cdf(0.975), right / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def mcnemar(gained: int, lost: int) -> float:
    """Probability that so uneven a split comes of a fair coin: the exact test of McNemar, two-sided.

    Args:
        gained: Videos that are right the second way only.
        lost: Videos that are right the first way only.

    Source: McNemar 1947, doi:10.1007/BF02295996.
    """
    count, fewer = gained + lost, min(gained, lost)
    if not count:
        return 1.0
    ways = term = 1  # of drawing none, one, two ... of them
    for drawn in range(fewer):
        term = term * (count - drawn) // (drawn + 1)
        ways += term
    return min(1.0, ways / (1 << (count - 1)))


def holm(probabilities: Sequence[float]) -> list[float]:
    """The same, corrected for how many there are, in their order.

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65-70.
    """
    found, least = [0.0] * len(probabilities), 0.0
    for rank, number in enumerate(sorted(range(len(probabilities)), key=lambda i: probabilities[i])):
        least = max(least, min(1.0, (len(probabilities) - rank) * probabilities[number]))
        found[number] = least
    return found


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How many videos were recognised.

    Attributes:
        right: Number of them.
        count: Of so many.
        low: Lower end of the 95 % interval of the share, by Wilson.
        high: Upper end.
    """

    right: int
    count: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The accuracy, 0 to 1."""
        return self.right / self.count


def recognised(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which videos have the highest score for their own class, and no score that is no number.

    Args:
        scores: Scores or probabilities, (videos, classes).
        labels: Number of each video's class, (videos,).
    """
    right: NDArray[np.bool_] = np.isfinite(scores).all(1) & (scores.argmax(1) == labels)
    return right


def accuracy_of(right: NDArray[np.bool_]) -> Accuracy:
    """Of the videos that it says of whether they were recognised, at least one."""
    hits = int(right.sum())
    return Accuracy(hits, len(right), *wilson(hits, len(right)))


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same videos at two strides.

    Attributes:
        stride: The second; the first is the smallest.
        both: Videos that are right at both.
        gained: Right at the second only.
        lost: Right at the first only.
        neither: Right at none.
        p: By McNemar's exact test.
        p_holm: Corrected for the number of strides that are compared with the first.
    """

    stride: int
    both: int
    gained: int
    lost: int
    neither: int
    p: float
    p_holm: float

    @property
    def difference(self) -> float:
        """Accuracy at the second less that at the first, -1 to 1."""
        return (self.gained - self.lost) / (self.both + self.gained + self.lost + self.neither)


def compare(first: NDArray[np.bool_], others: Sequence[tuple[int, NDArray[np.bool_]]]) -> tuple[Comparison, ...]:
    """Compare what was right at the smallest stride with what was at others, each with its stride."""
    counts = [
        {
            "both": int((first & other).sum()),
            "gained": int((~first & other).sum()),
            "lost": int((first & ~other).sum()),
            "neither": int((~first & ~other).sum()),
        }
        for _, other in others
    ]
    plain = [mcnemar(four["gained"], four["lost"]) for four in counts]
    return tuple(
        Comparison(stride, **four, p=p, p_holm=corrected)
        for (stride, _), four, p, corrected in zip(others, counts, plain, holm(plain), strict=True)
    )
