"""A network that watches clips: where it lies, and whether its scores are those of its classes."""

from dataclasses import replace

import numpy as np
import pytest
from torch import Tensor, nn

from inspector.errors import CheckpointError
from tests.viewing.making import make_agent


class Means(nn.Module):
    """Scores the mean of each colour, without a parameter."""

    def forward(self, clips: Tensor) -> Tensor:
        """Scores (batch, 3) of clips (batch, 3, frames, rows, columns)."""
        return clips.mean((2, 3, 4))


CLIPS = np.full((2, 8, 48, 80, 3), 255, np.uint8)


def test_a_network_without_parameters_is_run_where_its_clips_are_made() -> None:
    agent = make_agent(network=Means())
    assert agent.device.type == "cpu"
    np.testing.assert_allclose(agent.scores(CLIPS), 2.0)


def test_scores_of_another_number_than_there_are_classes_are_refused() -> None:
    agent = replace(make_agent(), class_names=("one", "two"))
    with pytest.raises(CheckpointError, match=r"gives \(2, 3\) where \(2, 2\) is expected"):
        agent.scores(CLIPS)
