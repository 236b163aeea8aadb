"""A network that watches clips, how they are made for it, and what its scores mean."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from inspector.clips.recipe import ClipRecipe
from inspector.errors import CheckpointError
from inspector.records import AgentFacts


@dataclass(frozen=True, slots=True, eq=False)
class ClipAgent:
    """A video classifier.

    Attributes:
        network: Takes float32 (batch, 3, frames, rows, columns); returns a logit for every class, (batch, classes).
        class_names: Of every class.
        recipe: How clips are made for it.
        facts: Where it comes from and what was assumed.
    """

    network: nn.Module
    class_names: tuple[str, ...]
    recipe: ClipRecipe
    facts: AgentFacts

    @property
    def device(self) -> torch.device:
        """Where the network's parameters lie; one without any computes where its clips are made."""
        parameter = next(self.network.parameters(), None)
        return torch.device("cpu") if parameter is None else parameter.device

    def scores(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network.

        Args:
            clips: uint8 (batch, frames, rows, columns, 3), as `ClipRecipe.prepare` makes their frames.

        Returns:
            Logits, float32 (batch, classes).

        Raises:
            CheckpointError: If the network gives another number of scores than there are class names.
        """
        with torch.inference_mode():
            output = self.network(torch.from_numpy(self.recipe.normalise(clips)).to(self.device))
        expected = len(clips), len(self.class_names)
        if not isinstance(output, torch.Tensor) or output.shape != expected:
            found = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
            raise CheckpointError(
                f"the network of {self.facts.name} gives {found} where {expected} is expected: clips and classes"
            )
        return output.float().cpu().numpy()
