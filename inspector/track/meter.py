"""Attention while an agent trains: the same states explained under its present weights, as numbers and a picture."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.agent import Agent
from inspector.draw.overlay import Projection, RunningScale, lay_over
from inspector.errors import UsageError
from inspector.probe import ProbeSet
from inspector.probe_file import read_probe
from inspector.regions import BACKGROUND, RegionSummer
from inspector.track.result import Explained
from inspector.track.work import BATCH, Explaining, RegionExplainer, inputs_of, joined_arrays

_ENLARGED = 3
_CURE = "give the probe.npz that `inspector track` writes for checkpoints of such agents"


class AttentionMeter:
    """Measures the attention of one agent after another on the same states.

    Args:
        probe: A probe set, or its file: the `probe.npz` of `inspector track`.
        composite: Rules that explain, as in `inspector.record`.
        target: What is explained: `score` of the best action, `contrast`, `advantage`, `value`, or an action's number.

    Attributes:
        probe: The probe set.
        names: Names of the regions, the background last.

    Raises:
        UsageError: If the file is no probe set.
    """

    def __init__(self, probe: ProbeSet | str | Path, composite: str = "epsilon_plus", target: str = "score") -> None:
        self.probe = probe if isinstance(probe, ProbeSet) else read_probe(Path(probe))
        self.names = (*self.probe.names, BACKGROUND)
        self._explaining = Explaining(composite, target)
        observations = self.probe.observations
        self._size = (observations.shape[2], observations.shape[3])
        starts = range(0, len(observations), BATCH)
        self._batches = [observations[start : start + BATCH] for start in starts]
        self._summers = [RegionSummer(self.probe.covers[start : start + BATCH], self._size) for start in starts]

    def shares(self, agent: Agent) -> dict[str, float]:
        """Share of the positive relevance of each region, by its name; over the regions they add up to 1.

        They are NaN where no state has any positive relevance, as under a network whose units are all dead.

        Raises:
            UsageError: If the agent sees another game, or sees it otherwise.
            UnsupportedError: If its network cannot be explained.
        """
        explainer = self._explainer(agent)
        divisor, pairs = agent.preprocessing.divisor, zip(self._batches, self._summers, strict=True)
        arrays = joined_arrays([explainer(inputs_of(some, divisor), summer) for some, summer in pairs])
        mean = Explained.of(arrays, self.probe.groups).ratios("positive_share").mean
        return {name: float(share) for name, share in zip(self.names, mean, strict=True)}

    def picture(self, agent: Agent, state: int = 0) -> NDArray[np.uint8]:
        """The relevance of one state laid over its screen.

        Args:
            agent: Whose decision is explained; errors are those of `shares`.
            state: Number of the state.

        Returns:
            RGB, uint8 (height, width, 3), three times the native size.
        """
        chosen = self.probe.states[state]
        inputs = inputs_of(chosen.observation[None], agent.preprocessing.divisor)
        (relevance,) = self._explainer(agent).maps(inputs)
        on_screen = Projection(self._size, self.probe.screen_size)(relevance.sum(axis=0))
        overlay = lay_over(chosen.screen, on_screen, RunningScale(1.0).update(on_screen))
        size = (overlay.shape[1] * _ENLARGED, overlay.shape[0] * _ENLARGED)
        return np.asarray(cv2.resize(overlay, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)

    def _explainer(self, agent: Agent) -> RegionExplainer:
        if agent.facts.environment is None:
            raise UsageError("the agent does not say which game it plays: give its environment id")
        self.probe.check(agent.facts.environment, agent.preprocessing, _CURE)
        return RegionExplainer(agent, self._explaining)
