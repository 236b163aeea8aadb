"""Attention-oriented metrics (ATOMs): which objects neurons of the last hidden layer attend to, alone and together.

Shares tell where the relevance of a decision lies. These tell how it is bundled: whether the neurons that make a score
look at the ball here and at the paddle there, or at both at once.

Source: Beylier, Hofmann, Scherf 2024, arXiv:2406.14324; formulas as the re-implementation Atoms_Carla reports them.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inspector.lrp import Composite, Explainer, Run, ZPlus
from inspector.regions import RegionSummer
from inspector.sweep import Arrays
from inspector.track.measures import LEAST_AREA, Numbers, Ratios, by_episode

COMPOSITE = Composite(dense=ZPlus(), convolution=ZPlus(), name="z_plus")
"""The z-plus rule throughout: all relevance of a positive score is positive."""

KEPT = 0.9
"""Part of the relevance of the last hidden layer that the neurons looked at hold together: the fewest that do."""

ATTENDED = 0.25
"""A neuron attends to the objects that have more than this part of the mean of its most relevant one.

What has less counts as nothing: a neuron behind a dense layer sees the whole screen, so that hardly an object has
exactly nothing of its relevance, and no neuron would fit any set if that were asked.
"""

MOST_OBJECTS = 62
"""More do not fit into the bits of a set."""


class AtomMeter:
    """Measures how hidden neurons of one network attend to regions.

    Args:
        network: As for `Explainer`; its scores are made by one dense layer from one hidden layer. It must not change.

    Raises:
        UnsupportedError: If a layer has no rule; at the first call, if the scores are made otherwise.
    """

    def __init__(self, network: nn.Module) -> None:
        self._explainer = Explainer(network, COMPOSITE, frozen=True)

    def __call__(self, inputs: Tensor, summer: RegionSummer) -> Arrays:
        """Measure a batch of states.

        Args:
            inputs: Network inputs, (batch, stack, height, width).
            summer: Adds their relevance up by regions.

        Returns:
            hierarchical: Attention to each region, the background last, in the unit of the score, (batch, regions): the
                sum over neurons of their relevance times the mean of their own map per relevant pixel of the region.
            sets: Sets of regions that neurons attend to together, as bits, the first region the lowest, (sets,).
            combinatorial: Attention to each such set, in the unit of the score, (batch, sets): the relevance of the
                neurons that attend to these regions and to no other.
            there: Which regions have any area in the network input, (batch, regions).
            neurons: How many neurons were looked at, (batch,).
            counts: Whether the state counts: its score is positive, and all is finite, (batch,).
        """
        run = self._explainer.run(inputs)
        relevance = run.hidden_relevance("score").double()
        counts = (relevance.isfinite().all(1) & (relevance.sum(1) > 0)).cpu().numpy()
        weights, means, there = _neurons(run, relevance, summer)
        sets = attended(means[:, :, :-1])
        known = np.unique(sets[weights > 0])
        return {
            "hierarchical": (weights[:, :, None] * means).sum(1),
            "sets": known,
            "combinatorial": (weights[:, :, None] * (sets[:, :, None] == known)).sum(1),
            "there": there,
            "neurons": (weights > 0).sum(1),
            "counts": counts,
        }


def attended(means: Numbers) -> NDArray[np.int64]:
    """Which objects a neuron attends to, as bits, the first object the lowest; none if it has nothing on any.

    Args:
        means: Mean relevance of its map per relevant pixel of each object, (..., objects).
    """
    high = means > ATTENDED * means.max(-1, keepdims=True, initial=0.0)
    return np.asarray((high * (1 << np.arange(means.shape[-1]))).sum(-1), np.int64)


def joined_atoms(parts: Sequence[Arrays]) -> Arrays:
    """What several batches gave, one behind the other; their sets are brought together."""
    sets = np.unique(np.concatenate([part["sets"] for part in parts]))

    def spread(part: Arrays) -> NDArray[np.float64]:
        whole = np.zeros((len(part["counts"]), len(sets)))
        whole[:, np.searchsorted(sets, part["sets"])] = part["combinatorial"]
        return whole

    names = ("hierarchical", "there", "neurons", "counts")
    together = {name: np.concatenate([part[name] for part in parts]) for name in names}
    return together | {"sets": sets, "combinatorial": np.concatenate([spread(part) for part in parts])}


def hierarchical(atoms: Arrays, episodes: NDArray[np.int64]) -> Ratios:
    """Hierarchical attention to every region, over the states that show it.

    Args:
        atoms: What `AtomMeter` gave.
        episodes: Number of each state's episode, (states,).
    """
    counts = atoms["counts"][:, None] & atoms["there"]
    return _mean_over(atoms["hierarchical"], counts, episodes)


def combinatorial(atoms: Arrays, episodes: NDArray[np.int64]) -> Ratios:
    """Combinatorial attention to every set of regions, over all states; arguments as `hierarchical`."""
    counts = np.broadcast_to(atoms["counts"][:, None], atoms["combinatorial"].shape)
    return _mean_over(atoms["combinatorial"], counts, episodes)


def set_names(sets: NDArray[np.int64], names: Sequence[str]) -> tuple[str, ...]:
    """What a person calls sets of regions: `ball + paddle`, and `none`."""
    each = [[name for bit, name in enumerate(names) if one >> bit & 1] for one in sets.tolist()]
    return tuple(" + ".join(one) or "none" for one in each)


def _mean_over(amounts: Numbers, counts: NDArray[np.bool_], episodes: NDArray[np.int64]) -> Ratios:
    return Ratios(
        by_episode(np.where(counts, amounts, 0.0), episodes),
        by_episode(counts.astype(np.float64), episodes),
        counts.sum(0),
    )


def _neurons(run: Run, relevance: Tensor, summer: RegionSummer) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
    """Of every state its most relevant neurons, as many as hold enough.

    Returns:
        The neurons' relevance, 0 where a state needs no more, (batch, neurons); the mean of their own maps per relevant
        pixel of each region, (batch, neurons, regions); and which regions are there, (batch, regions).
    """
    ranked, order = relevance.sort(dim=1, descending=True, stable=True)
    held = ranked.cumsum(1) - ranked  # by those before
    weights = torch.where(held < KEPT * relevance.sum(1, keepdim=True), ranked, 0.0).clamp(min=0)
    each = []
    for rank in range(max(int((weights > 0).sum(1).max()), 1)):
        seeds = torch.zeros_like(relevance).scatter_(1, order[:, rank, None], 1.0)
        sums = summer(run.explain_hidden(seeds).float().cpu().numpy())
        amounts, areas = sums.positive.sum(2), sums.relevant_area.sum(2)
        each.append(np.divide(amounts, areas, out=np.zeros_like(amounts), where=areas > LEAST_AREA))
    return weights[:, : len(each)].cpu().numpy(), np.stack(each, 1), sums.area.sum(2) > LEAST_AREA
