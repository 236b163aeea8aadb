"""Small real agents that several tests share."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import nn

from inspector.agent import Agent
from inspector.records import AgentFacts, Checkpoint, Preprocessing


class SmallActorCritic(nn.Module):
    """One convolution, a policy and a critic."""

    def __init__(self, action_count: int):
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(4, 4, 8, 8), nn.ReLU(), nn.Flatten(), nn.Linear(400, 16), nn.ReLU())
        self.policy = nn.Linear(16, action_count)
        self.value = nn.Linear(16, 1)

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.trunk(inputs)
        return self.policy(features), self.value(features)


def small_policy(action_count: int = 4) -> nn.Module:
    return nn.Sequential(nn.Conv2d(4, 4, 8, 8), nn.ReLU(), nn.Flatten(), nn.Linear(400, action_count))


def small_agent(
    output: Literal["logits", "q_values"] = "logits",
    recipe: Preprocessing | None = None,
    action_count: int = 4,
    make: Callable[[int], nn.Module] = small_policy,
) -> Agent:
    """An agent for Breakout with random weights, always the same."""
    torch.manual_seed(0)
    facts = AgentFacts(name="small", format="factory", architecture="small", checkpoint=Checkpoint("none", "0"))
    return Agent(make(action_count), output, action_count, recipe or Preprocessing(), facts)
