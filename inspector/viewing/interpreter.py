"""Explain clips: from frames to the explainer in torch and back."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from inspector.clips.agent import ClipAgent
from inspector.draw.moment import Measure
from inspector.explaining import account_of_explainer
from inspector.lrp import CompositeLike, Sensitivity, make_explainer
from inspector.records import LEDGER_PARTS, Relevance

BATCH_VALUES = {"cpu": 2**19}
"""Values of network inputs that are explained at once on a device, about: a clip of 16×112×112, two of 16×64×64. On a
processor a clip costs the same however many there are, while every batch of a new size has the weights packed anew."""

BATCH_VALUES_ELSEWHERE, BATCH_CLIPS = 2**23, 32
"""Likewise on other devices; and the most clips, however small."""


class Explained(NamedTuple):
    """What the network makes of a clip, and why.

    Attributes:
        scores: A logit for every class, float32 (classes,).
        relevance: Of the class that was asked for; its values are (frames, rows, columns), the colours summed. None if
            nothing explains.
    """

    scores: NDArray[np.float32]
    relevance: Relevance | None


class ClipInterpreter:
    """Explains the decisions of one video classifier, clip by clip.

    Args:
        agent: Whose decisions.
        composite: A composite: a preset's name, a TOML file, or one made in Python; or a method by gradients, `taylor`
            or `sensitivity`.
        frozen: The network does not change as long as this is used; else changes are noticed.

    Attributes:
        composite: Name of the composite or method.
        rules: The composite's rules; None where the name says it all.
        measure: What maps hold: `relevance` for and against, or `sensitivity`, which has a size alone.

    Raises:
        UsageError: If there is no such composite.
        UnsupportedError: If the network has an operation without a rule.
    """

    def __init__(self, agent: ClipAgent, composite: CompositeLike = "epsilon_plus", *, frozen: bool = True) -> None:
        self._agent = agent
        low, high = agent.recipe.bounds()
        bounds = float(low.min()), float(high.max())  # a z-box takes one pair for all colours: the widest
        self._explainer = make_explainer(agent.network, composite, bounds, frozen=frozen)
        self.composite, self.rules = account_of_explainer(self._explainer)
        self.measure: Measure = "sensitivity" if isinstance(self._explainer, Sensitivity) else "relevance"

    def explain(self, clips: NDArray[np.uint8], classes: Sequence[int] | None = None) -> list[Explained]:
        """Explain clips as one batch.

        Args:
            clips: uint8 (batch, frames, rows, columns, 3), their frames as `ClipRecipe.prepare` makes them.
            classes: The class whose logit is explained, one a clip; None takes the best one of each.

        Raises:
            UsageError: If there is no such class, or the network cannot take clips of this shape.
            UnsupportedError: If the network does something else than its trace.
        """
        inputs = torch.from_numpy(self._agent.recipe.normalise(clips)).to(self._agent.device)
        target = "score" if classes is None else torch.tensor(list(classes), device=inputs.device)
        explanation = self._explainer(inputs, target)
        scores = explanation.outputs.scores.float().cpu().numpy()
        chosen = scores.argmax(1).tolist() if classes is None else list(classes)
        values = explanation.values.float().cpu().numpy().sum(1)
        score, finite = explanation.score.double().cpu().numpy(), explanation.finite.cpu().numpy()
        ledger = {
            part: explanation.ledger[part].double().cpu().numpy() for part in LEDGER_PARTS if part in explanation.ledger
        }
        return [
            Explained(
                scores[i],
                Relevance(
                    values=values[i],
                    target=self._agent.class_names[chosen[i]],
                    score=float(score[i]),
                    ledger={part: float(amount[i]) for part, amount in ledger.items()},
                    finite=bool(finite[i]),
                ),
            )
            for i in range(len(clips))
        ]


def batch_size_of(agent: ClipAgent) -> int:
    """Clips that are well explained at once."""
    values = BATCH_VALUES.get(agent.device.type, BATCH_VALUES_ELSEWHERE)
    return min(BATCH_CLIPS, max(1, values // math.prod(agent.recipe.input_shape)))
