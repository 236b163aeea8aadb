"""A small classifier whose answers are known, for videos that show their frames' numbers."""

import torch
from torch import Tensor, nn

from inspector.clips.agent import ClipAgent
from inspector.clips.recipe import ClipRecipe
from inspector.records import AgentFacts, Checkpoint

CLASSES = ("dim", "bright", "red thing")


class Colours(nn.Module):
    """Looks at pixels one by one: a convolution of 1x1x1, a mean over all, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, 4, 1)
        self.pool = nn.AdaptiveAvgPool3d(1)
        self.head = nn.Linear(4, len(CLASSES))
        with torch.random.fork_rng():
            torch.manual_seed(3)
            for parameter in self.parameters():
                nn.init.normal_(parameter)

    def forward(self, clips: Tensor) -> Tensor:
        """Scores (batch, classes) of clips (batch, 3, frames, rows, columns)."""
        scores: Tensor = self.head(self.pool(torch.relu(self.conv(clips))).flatten(1))
        return scores


def make_agent(frames: int = 8, network: nn.Module | None = None) -> ClipAgent:
    """A classifier that sees whole frames of 160x96, at half their size."""
    recipe = ClipRecipe(frames, (48, 80), (48, 80), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    facts = AgentFacts("colours", "factory", "Colours", Checkpoint("colours.pt", "00"))
    return ClipAgent((network or Colours()).eval(), CLASSES, recipe, facts)
