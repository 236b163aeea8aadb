"""The stage that `scripts/bench live` watches through a slow line: as `inspector live`, writing down what it does when.

python bench_stage.py AGENT LOG CELLS

The title of the scene is a running number. Every line of LOG is `decision NUMBER TIME` when a decision became the
current one, or `frame NUMBER TIME WHOLE BEHIND LAG` when a frame of it was sent: whether it was sent whole, the share
of cells that still look different from what is meant, and for how many seconds one has by now. Times are of
`time.monotonic`. CELLS is what the terminal has to show at the end.
"""

import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, TextIO

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from inspector.atari.objects.choice import find_for
from inspector.live.cells import Cells
from inspector.live.colours import Depth
from inspector.live.display import Display
from inspector.live.filming import Filming
from inspector.live.keys import Keys
from inspector.live.loop import Loop
from inspector.live.painter import Painter
from inspector.live.player import Player
from inspector.live.playing import Playing
from inspector.live.roster import Roster
from inspector.live.scene import Scene
from inspector.live.terminal import Terminal
from inspector.live.view import View
from inspector.session import one_torch_thread

DEPTH: Depth = "truecolor"
VISIBLE = 16
"""Of 255."""


class Log:
    """Writes down when what happened."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.number = file, 0

    def say(self, what: str, *details: float) -> None:
        """It happened now."""
        self.file.write(" ".join([what, str(self.number), f"{time.monotonic():.6f}", *map(str, details)]) + "\n")


class Numbered:
    """A stage whose title is the number of the decision; everything else is the stage's own."""

    def __init__(self, stage: Playing, log: Log) -> None:
        self._stage, self._log = stage, log
        self._number()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stage, name)

    def advance(self) -> bool:
        """The next decision has the next number."""
        going = self._stage.advance()
        self._log.number += 1
        self._number()
        return going

    def _number(self) -> None:
        self._stage.scene.title = f"#{self._log.number:06d}"
        self._log.say("decision")


class Kept(View):
    """A view that keeps what it drew."""

    cells: Cells

    def draw(self, scene: Scene, rows: int, columns: int) -> Cells:
        """The whole screen."""
        self.cells = super().draw(scene, rows, columns)
        return self.cells


class Noted(Display):
    """A display that notes what it sent, and what it owes."""

    def __init__(self, terminal: Terminal, log: Log) -> None:
        self._kept, self._own, self._log = Kept(DEPTH), Painter(DEPTH), log
        super().__init__(terminal, self._kept, self._own)
        self._since = np.full((0, 0), np.inf)

    def show(self, scene: Scene) -> bool:
        """The frame is sent, then compared."""
        whole, now = super().show(scene), time.monotonic()
        behind = looks_different(self._kept.cells, self._own._shown)
        if behind.shape != self._since.shape:
            self._since = np.full(behind.shape, np.inf)
        self._since = np.where(behind, np.minimum(self._since, now), np.inf)
        self._log.say("frame", int(whole), behind.mean(), max(now - self._since.min(), 0.0))
        return whole


def looks_different(one: Cells, other: Cells) -> "np.ndarray[tuple[int, int], np.dtype[np.bool_]]":
    """Cells with another character, or a colour that differs by more than an eye would see in passing."""
    bytes_of = [np.ascontiguousarray(cells[..., 1:]).view(np.uint8).astype(np.int16) for cells in (one, other)]
    return (one[..., 0] != other[..., 0]) | (np.abs(bytes_of[0] - bytes_of[1]) > VISIBLE).any(2)


def make_player(agent: str) -> Player:
    """As `inspector live AGENT` has it."""
    roster = Roster.of(agent, "last", "cpu", {})
    return Player(roster, find_for(str(roster[roster.place].facts.environment)), place=roster.place)


def main() -> None:
    """Play until `q`."""
    agent, log_file, cells_file = sys.argv[1:]
    folder = Path(log_file).parent
    player = make_player(agent)
    with closing(player), one_torch_thread(), Filming(player, folder, {}) as filming, open(log_file, "w") as file:
        log = Log(file)
        stage = Numbered(Playing(player, filming), log)
        with Terminal() as terminal:
            Loop(stage, Noted(terminal, log), Keys(sys.stdin.fileno()), folder).run()
            np.save(cells_file, View(DEPTH).draw(stage.scene, *terminal.size))


if __name__ == "__main__":
    main()
