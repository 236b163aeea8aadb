"""An agent: a network, how its input is made, what its outputs mean; and its decisions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from inspector.errors import CheckpointError, UsageError
from inspector.records import AgentFacts, Decision, Preprocessing


@dataclass(frozen=True, slots=True, eq=False)
class Agent:
    """A network that plays, and all that is needed to play and explain it.

    Attributes:
        network: Takes float32 (batch, stack, height, width). Returns scores (batch, actions), or, with a critic,
            a pair (scores, values) with values (batch, 1).
        output: What the scores are: `logits` of a policy, or `q_values`.
        action_count: Number of actions, from the shape of the network's head.
        preprocessing: How its input is made.
        facts: Where it comes from and what was assumed.
    """

    network: nn.Module
    output: Literal["logits", "q_values"]
    action_count: int
    preprocessing: Preprocessing
    facts: AgentFacts

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of one network input: (stack, height, width)."""
        recipe = self.preprocessing
        return recipe.stack, recipe.height, recipe.width

    @property
    def input_bounds(self) -> tuple[float, float]:
        """Smallest and largest value of a network input."""
        return 0.0, 255.0 / self.preprocessing.divisor

    @property
    def device(self) -> torch.device:
        """Where the network's parameters lie."""
        return next(self.network.parameters()).device

    def to(self, device: str | torch.device) -> "Agent":
        """The same agent with its network on another device."""
        return replace(self, network=self.network.to(device))

    def scores(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Run the network.

        Args:
            inputs: Network inputs, float32 (batch, stack, height, width).

        Returns:
            Scores (batch, actions), and values (batch,) or None without a critic.

        Raises:
            CheckpointError: If the output is not what an agent with `action_count` actions gives.
        """
        with torch.inference_mode():
            output = self.network(torch.from_numpy(inputs).to(self.device))
        scores, values = output if isinstance(output, tuple) else (output, None)
        if scores.shape != (len(inputs), self.action_count):
            raise CheckpointError(
                f"the network of {self.facts.name} gives scores of shape {tuple(scores.shape)} where "
                f"({len(inputs)}, {self.action_count}) is expected: batch and actions"
            )
        return scores.float().cpu().numpy(), None if values is None else values.float().cpu().numpy().reshape(-1)

    def decide(self, inputs: NDArray[np.float32], generator: np.random.Generator | None = None) -> list[Decision]:
        """Decide on network inputs.

        Args:
            inputs: Network inputs, float32 (batch, stack, height, width).
            generator: Samples the actions of a policy from its probabilities; None takes the best action.

        Returns:
            One decision an input.

        Raises:
            UsageError: If a generator is given for Q-values, which are no probabilities.
        """
        if generator is not None and self.output != "logits":
            raise UsageError("only a policy can be sampled; Q-values are played greedily: leave out --sample")
        scores, values = self.scores(inputs)
        best: Sequence[int] = scores.argmax(axis=1).tolist()
        if generator is not None:
            best = (scores + generator.gumbel(size=scores.shape)).argmax(axis=1).tolist()
        return [
            Decision(action=best[i], scores=scores[i], value=None if values is None else float(values[i]))
            for i in range(len(inputs))
        ]
