"""The stage that `scripts/bench live` watches through a slow line: `inspector live`, and it writes down when it did what.

python bench_stage.py AGENT LOG CELLS

The title of the scene is a running number. Every line of LOG is `decision NUMBER TIME` when a decision became the
current one, or `whole NUMBER TIME` and `part NUMBER TIME` when a frame of it was sent; times are of `time.monotonic`.
CELLS is what the terminal has to show at the end.
"""

import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, TextIO

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from inspector.atari.objects.choice import find_for
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

DEPTH = "truecolor"


class Log:
    """Writes down when what happened."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.number = file, 0

    def say(self, what: str) -> None:
        """It happened now."""
        self.file.write(f"{what} {self.number} {time.monotonic():.6f}\n")


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


class Noted(Display):
    """A display that notes what it sent."""

    log: Log

    def show(self, scene: Scene) -> bool:
        """Whether the frame was sent whole is noted too."""
        whole = super().show(scene)
        self.log.say("whole" if whole else "part")
        return whole


def make_player(agent: str) -> Player:
    """As `inspector live AGENT` has it."""
    roster = Roster.of(agent, "last", "cpu", {})
    return Player(roster, find_for(str(roster[roster.place].facts.environment)), place=roster.place)


def main() -> None:
    """Play until `q`."""
    agent, log_file, cells_file = sys.argv[1:]
    folder, view, resized = Path(log_file).parent, View(DEPTH), list[None]()
    player = make_player(agent)
    with closing(player), one_torch_thread(), Filming(player, folder, {}) as filming, open(log_file, "w") as file:
        log = Log(file)
        stage = Numbered(Playing(player, filming), log)
        with Terminal(lambda: resized.append(None)) as terminal:
            display = Noted(terminal, view, Painter(DEPTH))
            display.log = log
            Loop(stage, display, Keys(sys.stdin.fileno()), folder, 1.0, resized).run()
            np.save(cells_file, view.draw(stage.scene, *terminal.size))


if __name__ == "__main__":
    main()
