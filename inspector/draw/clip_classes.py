"""Which classes have a bar, and in which row: as few changes as let the largest be seen."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from inspector.draw.bars import draw_bars
from inspector.draw.layout import PANEL_PAD
from inspector.draw.palette import FAINT
from inspector.draw.text import SMALL, number, write

Picture = NDArray[np.uint8]

MOST_IN_ORDER = 8
"""So many classes at most all have a bar, in their own order."""
ROWS = 6
"""Rows where there are more classes."""

_HALF_LIFE_SECONDS = 2.0
_NOTICEABLY = 1.25
_FOOT = 52


class ClassRows:
    """Chooses the classes that have a bar. A class keeps its row for as long as it has a bar.

    Few classes all have one, in their order. Of many, the six with the largest probability of late; a newcomer takes
    the row of the least of them, and only if it is larger by a quarter. The classes to be kept have a row always.

    Args:
        class_count: How many classes there are.
        frames_per_second: Of the video.
    """

    def __init__(self, class_count: int, frames_per_second: float):
        self._late = np.zeros(class_count)
        self._weight = 0.0
        self._kept = 0.5 ** (1 / max(1.0, frames_per_second * _HALF_LIFE_SECONDS))
        is_short = class_count <= MOST_IN_ORDER
        self._rows = list(range(class_count)) if is_short else []

    def update(self, probabilities: NDArray[np.floating], keep: Iterable[int]) -> tuple[int, ...]:
        """Take one more frame into account.

        Args:
            probabilities: Of every class; what is not a number counts as 0.
            keep: Classes that have a row whatever their probability, at most six.

        Returns:
            The class of each row, from the top.
        """
        if len(self._late) <= MOST_IN_ORDER:
            return tuple(self._rows)
        self._late = self._kept * self._late + np.nan_to_num(probabilities)
        if not self._rows:
            self._rows = np.argsort(-self._late, kind="stable")[:ROWS].tolist()
        wanted = list(dict.fromkeys(keep))
        for newcomer in wanted:
            if newcomer not in self._rows:
                self._replace_least(newcomer, wanted)
        for newcomer in np.argpartition(-self._late, ROWS)[:ROWS].tolist():
            if newcomer not in self._rows:
                self._replace_least(newcomer, wanted, _NOTICEABLY)
        return tuple(self._rows)

    def _replace_least(self, newcomer: int, wanted: Sequence[int], times: float = 0.0) -> None:
        """Give a newcomer the row of the least class that is not wanted, if it is larger so many times."""
        others = [row for row, kept in enumerate(self._rows) if kept not in wanted]
        least = min(others, key=lambda row: self._late[self._rows[row]])
        if self._late[newcomer] >= times * self._late[self._rows[least]]:
            self._rows[least] = newcomer


def draw_classes(
    panel: Picture,
    class_names: Sequence[str],
    probabilities: NDArray[np.floating],
    rows: Sequence[int],
    recognised: int,
    target: int | None,
) -> None:
    """Draw the panel of the classes in place.

    Args:
        panel: The panel's part of the page, uint8 (height, width, 3), empty.
        class_names: Of every class.
        probabilities: Of every class.
        rows: The class of each row.
        recognised: The class in the accent's colour; one of `rows`.
        target: The class whose score is explained, if there is one; it is marked if it is not the one recognised.
    """
    foot = panel[len(panel) - _FOOT :]
    explained = rows.index(target) if target in rows and target != recognised else None
    draw_bars(
        panel[: len(panel) - _FOOT],
        [class_names[index] for index in rows],
        probabilities[list(rows)],
        bounds=(0.0, 1.0),
        unit="probability",
        taken=rows.index(recognised),
        explained=explained,
        heading="class",
    )
    _draw_others(foot, len(class_names) - len(rows), 1.0 - float(probabilities[list(rows)].sum()))
    write(foot, "mean of the windows with this frame", PANEL_PAD, 40, FAINT, SMALL)


def _draw_others(foot: Picture, count: int, rest: float) -> None:
    if not count:
        return
    right = foot.shape[1] - PANEL_PAD
    write(foot, f"{count} other classes" if count > 1 else "1 other class", PANEL_PAD, 18, FAINT, SMALL)
    write(foot, number(max(0.0, rest) if np.isfinite(rest) else rest), right, 18, FAINT, SMALL, "right")
