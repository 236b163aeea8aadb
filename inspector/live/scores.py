"""The scores of the actions, a bar each: the same bars as on the recorded page."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from inspector.draw.bars import BarRange, decimals, probabilities
from inspector.draw.palette import ACCENT, BAR, QUIET
from inspector.draw.text import number as with_decimals
from inspector.live.panels import WHOLE, Bounds, fitted, heading, name_width, percent, row
from inspector.live.scene import Scene

TAKEN, EXPLAINED = "▸", "▹"
"""Mark the action that is taken, and the one that is explained where it is another."""

_ARROWS = dict(zip("UP DOWN LEFT RIGHT UPLEFT UPRIGHT DOWNLEFT DOWNRIGHT".split(), "↑↓←→↖↗↙↘", strict=True))
_FIRE = "FIRE"


class ScoreBars:
    """Draws the scores of decision after decision; the range of Q-values widens at once and narrows slowly.

    Scores of different networks differ a thousandfold: each has a range of its own.
    """

    def __init__(self) -> None:
        self._ranges: defaultdict[str, BarRange] = defaultdict(BarRange)
        self._ranged: tuple[str, bytes] | None = None

    def lines(self, scene: Scene, width: int, most: int) -> list[Text]:
        """A heading, and a line for each action.

        Args:
            scene: What is shown.
            width: Cells of a line.
            most: Actions that there is room for, at least 2: the one taken, the one explained, and the best others.
        """
        scores, taken, explained = scene.decision.scores, scene.decision.action, scene.target_action
        amounts, figures, bounds, unit = self._measured(scene)
        shown = kept(scores, [taken] if explained is None else [taken, explained], most)
        labels = _labels(scene, width)
        room = max(map(len, labels))
        of = [ACCENT if one == taken else QUIET if one == explained else BAR for one in range(len(scores))]
        marks = [TAKEN if one == taken else EXPLAINED if one == explained else " " for one in range(len(scores))]
        return [
            heading(unit, width, "" if len(shown) == len(scores) else f"{len(shown)} of {len(scores)}"),
            *(
                row(labels[i], amounts[i], figures[i], width, of[i], room=room, bounds=bounds, mark=marks[i])
                for i in shown
            ),
        ]

    def _measured(self, scene: Scene) -> tuple[list[float], list[str], Bounds, str]:
        """What the bars show, the same as figures, the ends of the bars, and what all that is."""
        if scene.output == "logits":
            shares = probabilities(scene.decision.scores).tolist()
            return shares, [percent(share) for share in shares], WHOLE, "probability"
        bounds = self._bounds(scene)
        scores = scene.decision.scores.tolist()
        figures = [with_decimals(score, decimals(bounds)) if np.isfinite(score) else "–" for score in scores]
        return scores, figures, bounds, "Q-value"

    def _bounds(self, scene: Scene) -> Bounds:
        """The range of the bars; scores count for it once, however often they are drawn or thought of."""
        known, scores = self._ranges[scene.network], (scene.network, scene.decision.scores.tobytes())
        if scores != self._ranged:
            self._ranged = scores
            known.update(scene.decision.scores)
        return known.low, known.high


def _labels(scene: Scene, width: int) -> list[str]:
    """Key and name of every action, for lines of so many cells."""
    keyed = zip(chain(scene.action_keys, repeat("")), scene.action_names, strict=False)
    keys = [f"{key} " if key else "" for key, _ in keyed]
    room = name_width(map("".join, zip(keys, scene.action_names, strict=True)), width)
    names = short_names(scene.action_names, room - max(map(len, keys)))
    return [(key + name)[:room] for key, name in zip(keys, names, strict=True)]


def kept(scores: NDArray[np.float32], must: Sequence[int], most: int) -> list[int]:
    """Which of many actions are shown, in their order: those that must be, then those of the largest scores.

    Args:
        scores: Of every action; what is no number comes last.
        must: Actions that are shown in any case.
        most: Number of actions that there is room for, no less than `must`.
    """
    order = [*must, *np.argsort(-scores, kind="stable").tolist()]
    return sorted(list(dict.fromkeys(order))[:most])


def short_names(names: Sequence[str], room: int) -> list[str]:
    """Names of actions that fit into some cells: whole, or with arrows for directions, or cut as a last resort."""
    whole = all(len(name) <= room for name in names)
    return fitted(names if whole else [arrowed(name) for name in names], max(room, 4))


def arrowed(name: str) -> str:
    """The name of an action with an arrow for its direction: `↗ FIRE` is `UPRIGHTFIRE`; others stay."""
    direction = name.removesuffix(_FIRE)
    if direction not in _ARROWS:
        return name
    return _ARROWS[direction] + ("" if direction == name else f" {_FIRE}")
