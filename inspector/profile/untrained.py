"""The same network, untrained: what its shape alone makes of a clip."""

import copy
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from inspector.clips.agent import ClipAgent
from inspector.errors import CheckpointError

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_NORMS = nn.modules.batchnorm._BatchNorm
_PART = 4
"""Clips that run through the network at once while it is calibrated, at most."""

_SHOWN = 4


def with_random_weights(agent: ClipAgent, seed: int, clips: NDArray[np.uint8]) -> ClipAgent:
    """The same agent with new random weights; its own network stays.

    An even seed draws weights as torch initialises its layers, an odd one as torchvision does for its video networks:
    normal, by the fan of the outputs, without biases. How the agent's own began is not known.

    Batch norms get the statistics of real clips, as in training. With fresh ones, mean 0 and variance 1, they would
    normalise nothing: every convolution of a residual branch would shrink its signal, the shortcuts would carry the
    score, and with them only the positions that a stride of the network happens to hit.

    Args:
        agent: Whose network is copied.
        seed: Of the weights.
        clips: That batch norms are calibrated on, uint8 (batch, frames, rows, columns, 3).

    Raises:
        CheckpointError: If a batch norm has one value a clip and channel, and there is one clip.
    """
    network = copy.deepcopy(agent.network)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for module in network.modules():
            _reset(module, as_torchvision=bool(seed % 2))
    untrained = replace(agent, network=network)
    _calibrate(untrained, clips)
    return untrained


def has_fresh_norms(network: nn.Module) -> bool:
    """Whether batch norms have seen nothing: mean 0 and variance 1, as before training, with which none normalises."""
    norms = [module for module in network.modules() if isinstance(module, _NORMS)]
    seen = [(norm.running_mean, norm.running_var) for norm in norms]
    told = [(mean, variance) for mean, variance in seen if mean is not None and variance is not None]
    return bool(told) and all(bool((mean == 0).all() and (variance == 1).all()) for mean, variance in told)


def kept_parameters(network: nn.Module) -> tuple[str, ...]:
    """Parameters that `with_random_weights` leaves as they are: nobody says how their module begins."""
    return tuple(
        f"{name}.{parameter}".lstrip(".")
        for name, module in network.named_modules()
        if not callable(getattr(module, "reset_parameters", None))
        for parameter, _ in module.named_parameters(recurse=False)
    )


def kept_text(network: nn.Module) -> str:
    """That in a line; empty if all parameters are drawn."""
    kept = kept_parameters(network)
    more = " and others" if len(kept) > _SHOWN else ""
    which = ", ".join(kept[:_SHOWN]) + more
    return which and f"not random under random weights: {which}, as their module has no reset_parameters()"


def _reset(module: nn.Module, *, as_torchvision: bool) -> None:
    reset = getattr(module, "reset_parameters", None)
    if callable(reset):
        reset()
    if not as_torchvision:
        return
    if isinstance(module, _CONVOLUTIONS):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0, 0.01)
    if isinstance(module, (*_CONVOLUTIONS, nn.Linear)) and module.bias is not None:
        nn.init.zeros_(module.bias)


def _calibrate(agent: ClipAgent, clips: NDArray[np.uint8]) -> None:
    """Give batch norms the mean statistics of some batches of clips, all of a size if that can be."""
    norms = [module for module in agent.network.modules() if isinstance(module, _NORMS)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
        norm.train()
    try:
        for part in np.array_split(clips, -(-len(clips) // _PART)) if norms else ():
            agent.scores(part)
    except ValueError as error:  # a batch norm after the pooling has nothing to tell variance from
        raise CheckpointError(
            f"batch norms of {agent.facts.name} cannot be calibrated on {len(clips)} clip: give 2 videos at least"
        ) from error
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
