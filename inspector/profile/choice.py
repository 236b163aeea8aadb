"""Choose a stride by relevance alone, without labels; and what came of it where labels are known."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.profile.measures import Profile, ratio_of
from inspector.profile.paired import Accuracy, Comparison, accuracy_of, compare

RULE = (
    "take the stride at which the border-to-centre ratio of the absolute relevance is the fewest times that of "
    "networks with random weights: where the network looks least as if it wanted to see more"
)
"""It looks at no accuracy, and was not tuned to any."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The stride by relevance alone, beside the one by accuracy.

    Attributes:
        stride: By the rule, over all videos.
        support: How often each stride is chosen when videos are drawn anew, 0 to 1.
        best: The strides with the highest accuracy.
        chosen: Accuracy at the stride of the rule.
        base: Accuracy at the smallest stride.
        each: Accuracy where every video has the stride of the rule for itself.
        each_counts: For how many videos the rule takes each stride.
        each_compared: That, compared with the smallest stride for all.
        confident: Accuracy where every video has the stride at which the network is surest; to compare, as it is no
            matter of relevance.
    """

    stride: int
    support: Mapping[int, float]
    best: tuple[int, ...]
    chosen: Accuracy
    base: Accuracy
    each: Accuracy
    each_counts: Mapping[int, int]
    each_compared: Comparison
    confident: Accuracy


def choose(
    profiles: Mapping[int, Profile],
    right: Mapping[int, NDArray[np.bool_]],
    probability: Mapping[int, NDArray[np.float64]],
) -> Choice:
    """Apply the rule.

    Args:
        profiles: Of the absolute relevance at each stride, over the same videos.
        right: At each stride, whether these videos were recognised.
        probability: At each stride, that of the class that was recognised.
    """
    strides = tuple(profiles)
    excess = [profiles[stride].excess.mean for stride in strides]
    redrawn = np.stack([ratio_of(one.resampled) / one.null_ratio for one in profiles.values()])
    for_each = np.stack([ratio_of(one.shares) / one.null_ratio for one in profiles.values()]).argmin(0)
    rights = np.stack([right[stride] for stride in strides])
    sure = np.stack([probability[stride] for stride in strides]).argmax(0)
    videos = np.arange(rights.shape[1])
    hits = rights.sum(1)
    number = int(np.argmin(excess))
    votes = np.bincount(redrawn.argmin(0), minlength=len(strides)) / redrawn.shape[1]
    each = rights[for_each, videos]
    (compared,) = compare(rights[0], [(0, each)])
    return Choice(
        stride=strides[number],
        support=dict(zip(strides, votes.tolist(), strict=True)),
        best=tuple(stride for stride, count in zip(strides, hits, strict=True) if count == hits.max()),
        chosen=accuracy_of(rights[number]),
        base=accuracy_of(rights[0]),
        each=accuracy_of(each),
        each_counts=dict(zip(strides, np.bincount(for_each, minlength=len(strides)).tolist(), strict=True)),
        each_compared=compared,
        confident=accuracy_of(rights[sure, videos]),
    )
