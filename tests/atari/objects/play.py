"""Real play, frame by frame: what the console drew, and the memory that belongs to it."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inspector.atari.environment import make_console
from inspector.records import Preprocessing

LONGEST_HOLD = 12
"""An action is held for 1 to so many frames: single frames at random would hardly leave the place."""


class Frame(NamedTuple):
    """One frame of play: the screen, uint8 (210, 160, 3), and the 128 bytes after it."""

    screen: NDArray[np.uint8]
    ram: NDArray[np.uint8]


Policy = Callable[[NDArray[np.uint8], np.random.Generator], str | None]
"""The action that the memory asks for; None leaves it to chance."""


def _follow_in_breakout(ram: NDArray[np.uint8], generator: np.random.Generator) -> str | None:
    byte = ram.astype(int)
    if byte[101] == 0:
        return "FIRE"
    apart = byte[99] - 49 - (byte[72] - 47 + 6) + int(generator.integers(-7, 8))
    return None if generator.random() < 0.1 else "RIGHT" if apart > 3 else "LEFT" if apart < -3 else "NOOP"


def _follow_in_pong(ram: NDArray[np.uint8], generator: np.random.Generator) -> str | None:
    byte = ram.astype(int)
    if byte[54] == 0 or generator.random() < 0.2:
        return None
    apart = byte[54] - byte[51] - 8 + int(generator.integers(-8, 9))
    return "LEFT" if apart > 3 else "RIGHT" if apart < -3 else "NOOP"


FOLLOW: dict[str, Policy] = {"Breakout": _follow_in_breakout, "Pong": _follow_in_pong}


def console_of(game: str, seed: int = 0):
    """The console of a game, one emulator frame a step, without sticky actions."""
    console = make_console(f"ALE/{game}-v5", Preprocessing(), full_actions=False)
    console.reset(seed=seed)
    return console


def play(game: str, count: int, seed: int = 0) -> Iterator[Frame]:
    """So many frames of one game after another: the ball is followed where that is known, else actions are random."""
    console, generator = console_of(game, seed), np.random.default_rng(seed)
    meanings = list(console.get_action_meanings())
    action = held = 0
    for _ in range(count):
        ram = console.ale.getRAM()
        wanted = FOLLOW[game](ram, generator) if game in FOLLOW else None
        if wanted is not None:
            action = meanings.index(wanted)
        elif held <= 0:
            action, held = int(generator.integers(len(meanings))), int(generator.integers(1, LONGEST_HOLD + 1))
        held -= 1
        screen, _, terminated, truncated, _ = console.step(action)
        yield Frame(screen, console.ale.getRAM())
        if terminated or truncated:
            console.reset(seed=int(generator.integers(2**31)))
    console.close()
