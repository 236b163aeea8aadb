"""The same play as a program's, in this process, and its screen drawn from nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from inspector.atari.objects.choice import find_for
from inspector.live.cells import Cells
from inspector.live.colours import Depth
from inspector.live.filming import Filming
from inspector.live.player import Player
from inspector.live.playing import Playing
from inspector.live.roster import Roster
from inspector.live.view import View
from tests.live.emulator import as_shown
from tests.live.session import PATIENCE_SECONDS, Session

_FURTHEST = 3000


class Fresh:
    """A play and what a terminal has to show of it.

    Args:
        playing: The play.
        depth: Colours of the terminal.
    """

    def __init__(self, playing: Playing, depth: Depth = "truecolor") -> None:
        self.playing, self.depth, self._view = playing, depth, View(depth)

    def draw(self, rows: int, columns: int) -> Cells:
        """The screen of a pause, above its last row, which tells keys and what has just happened."""
        self.playing.scene.pace = "paused"
        return as_shown(self.draw_all(rows, columns), self.depth)[:-1]

    def draw_all(self, rows: int, columns: int) -> Cells:
        """The screen as the view gives it."""
        return self._view.draw(self.playing.scene, rows, columns)

    def go(self, steps: int) -> None:
        """Play on."""
        for _ in range(steps):
            assert self.playing.advance()

    def follow(self, shown: Cells) -> int:
        """Play on until the screen is that of a paused program; how many decisions that took."""
        for steps in range(_FURTHEST):
            if np.array_equal(self.draw(*shown.shape[:2]), shown[:-1]):
                return steps
            self.playing.advance()
        raise AssertionError(f"no decision of {_FURTHEST} looks like the screen")

    def wait_for(self, session: Session) -> None:
        """Wait until a program that is paused shows what is drawn here, in every cell."""
        expected = self.draw(*session.size)
        try:
            session.until(lambda: np.array_equal(session.cells[:-1], expected), "screen like the one drawn here")
        except AssertionError as error:
            differs = np.argwhere((session.cells[:-1] != expected).any(2))
            raise AssertionError(f"{len(differs)} cells differ, the first in {differs[0]}; {error}") from None


@contextmanager
def fresh(source: str | Path, depth: Depth = "truecolor", **options: Any) -> Iterator[Fresh]:
    """The play of an agent, from its first decision."""
    roster = Roster.of(str(source), "last", "cpu", options)
    game = str(roster[roster.place].facts.environment)
    with Player(roster, find_for(game, None), place=roster.place) as player:
        yield Fresh(Playing(player, Filming(player, Path("unused"), {})), depth)


def all_told(filming: Filming) -> str:
    """Wait until every film that was stopped is finished; what is said of them."""
    end, told = time.monotonic() + PATIENCE_SECONDS, list[str]()
    while filming._closing:
        assert time.monotonic() < end, told
        time.sleep(0.01)
        told.append(filming.news() or "")
    return "; ".join(filter(None, told))
