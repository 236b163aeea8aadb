"""What networks with random weights give on some of the videos: the null that a profile is set beside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InspectorError
from inspector.profile.measures import counted
from inspector.sweep import Arrays


@dataclass(frozen=True, eq=False)
class Null:
    """Clips of some videos under networks with random weights.

    A network may have no relevance of a kind, as one whose scores all lie below 0 has none that is positive. It tells
    nothing of where that would lie, and does not count.

    Attributes:
        seeds: Of the networks.
        found: What was found at each stride, one a network, one row a video: see `work.explain_clips`.
        masked: Which of these videos have masks.
    """

    seeds: Sequence[int]
    found: Mapping[int, Sequence[Arrays]]
    masked: NDArray[np.bool_]

    def counting(self, kind: str) -> tuple[int, ...]:
        """Seeds of the networks that have relevance of a kind, at every stride, of one video at least."""
        each = zip(self.seeds, zip(*self.found.values(), strict=True), strict=True)
        return tuple(seed for seed, one in each if all(counted([at], kind).any() for at in one))

    def at(self, stride: int, kind: str) -> list[Arrays]:
        """What was found at a stride under the networks that count, in the order of `counting`."""
        counts = self.counting(kind)
        return [one for seed, one in zip(self.seeds, self.found[stride], strict=True) if seed in counts]


def check_counts(counts: NDArray[np.bool_], null: Null) -> None:
    """See that there is relevance to be compared.

    Args:
        counts: Which videos have absolute relevance under the agent's own weights.
        null: What there is under random ones.

    Raises:
        InspectorError: If there is none of either.
    """
    if not counts.any() or not null.counting("absolute"):
        who = "under random weights " if counts.any() else ""
        raise InspectorError(
            f"{who}no video has relevance that is finite and not zero at every stride: try another --composite, and "
            "see whether the network's scores are finite"
        )
