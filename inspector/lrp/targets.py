"""What is explained: from a target to the relevance that the outputs start with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inspector.errors import UsageError

TARGETS = ("score", "contrast", "advantage", "value")
"""The targets that have a name."""

Indices = int | Sequence[int] | Tensor | NDArray[np.integer[Any]]
Target = str | Indices


class Outputs(NamedTuple):
    """What the network gave.

    Attributes:
        scores: The score of every action, (batch, actions).
        value: The critic's value, (batch,); None without a critic.
    """

    scores: Tensor
    value: Tensor | None


@dataclass(frozen=True, slots=True, eq=False)
class Seeds:
    """What is explained of a batch.

    Attributes:
        score: The explained score, (batch,).
        scores: Relevance of the network's scores, (batch, actions); it sums to `score`. None if the value is explained.
    """

    score: Tensor
    scores: Tensor | None


def seeds_of(target: Target, actions: Indices | None, outputs: Outputs) -> Seeds:
    """The relevance that the outputs start with.

    A target is a sum of scores with a weight each, and every score starts with its own part of that sum, signed.

    Args:
        target: `score` of the action; `contrast`: less the best other score; `advantage`: less the mean of all scores;
            `value` of the critic; or indices of scores, one for all or (batch,).
        actions: The action that `score`, `contrast` and `advantage` are about, one for all or (batch,); None for the
            best. Other targets need none and leave it aside.
        outputs: What the network gave.

    Returns:
        The seeds.

    Raises:
        UsageError: If there is no such target or index, no critic, or no other action to contrast with.
    """
    if isinstance(target, str) and target == "value":
        if outputs.value is None:
            raise UsageError("the network has no critic, so there is no value to explain: choose another target")
        return Seeds(outputs.value, None)
    if isinstance(target, str) and target == "score":
        if actions is None:
            own, chosen = outputs.scores.max(1, keepdim=True)
        else:
            chosen = _indices(actions, outputs.scores, "action")[:, None]
            own = outputs.scores.gather(1, chosen)
        return Seeds(own[:, 0], torch.zeros_like(outputs.scores).scatter_(1, chosen, own))
    weights = _weights(target, actions, outputs.scores)
    # Not a plain product: a weight of 0 keeps an infinite score out.
    scores = torch.where(weights == 0, 0.0, weights * outputs.scores)
    return Seeds(scores.sum(1), scores)


def _weights(target: Target, actions: Indices | None, scores: Tensor) -> Tensor:
    """By how much each score counts, (batch, actions)."""
    if not isinstance(target, str):
        return _one_hot(_indices(target, scores, "target"), scores)
    if target not in TARGETS:
        raise UsageError(f"there is no target {target!r}: choose {', '.join(TARGETS)}, or the index of a score")
    chosen = scores.argmax(1) if actions is None else _indices(actions, scores, "action")
    weights = _one_hot(chosen, scores)
    if target == "contrast":
        if scores.shape[1] < 2:
            raise UsageError("a contrast needs another action, and the network has only one: choose another target")
        others = scores.masked_fill(weights == 1, -torch.inf)
        return weights - _one_hot(others.argmax(1), scores)
    return weights - 1 / scores.shape[1] if target == "advantage" else weights


def _indices(given: Indices, scores: Tensor, name: str) -> Tensor:
    """One index for each decision, checked."""
    batch, count = scores.shape
    try:
        indices = torch.as_tensor(given, device=scores.device)
    except (TypeError, ValueError, RuntimeError, OverflowError):  # whatever torch makes of it
        known = f"{', '.join(TARGETS)}, or the index of a score" if name == "target" else "the index of a score"
        raise UsageError(f"there is no {name} {given!r}: choose {known}") from None
    if indices.dtype == torch.bool or indices.is_floating_point() or indices.is_complex():
        raise UsageError(f"{name} indices are {indices.dtype}: pass integers")
    if indices.dim() == 0:
        indices = indices.expand(batch)
    if indices.shape != (batch,):
        raise UsageError(f"{name} indices have shape {tuple(indices.shape)}: pass one for each of {batch} inputs")
    lowest, highest = int(indices.min()), int(indices.max())
    if lowest < 0 or highest >= count:
        wrong = lowest if lowest < 0 else highest
        raise UsageError(f"{name} index {wrong} is out of range: the network has scores 0 to {count - 1}")
    return indices.long()


def _one_hot(indices: Tensor, scores: Tensor) -> Tensor:
    return torch.zeros_like(scores).scatter_(1, indices[:, None], 1.0)
