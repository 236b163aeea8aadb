"""Where the objects of a game are: six games by the console's memory, any other by what moves or what a user drew."""

import re

from inspector.atari.objects.breakout import BreakoutFinder
from inspector.atari.objects.drawn import Drawn, read_regions
from inspector.atari.objects.finder import Found, MemoryFinder, ObjectFinder
from inspector.atari.objects.moving import Moving
from inspector.atari.objects.ms_pacman import MsPacmanFinder
from inspector.atari.objects.pong import PongFinder
from inspector.atari.objects.seaquest import SeaquestFinder
from inspector.atari.objects.space_invaders import SpaceInvadersFinder
from inspector.atari.objects.video_pinball import VideoPinballFinder

__all__ = ["Drawn", "Found", "MemoryFinder", "Moving", "ObjectFinder", "finder_of", "read_regions"]

_ID = re.compile(r"(ALE/)?(?P<game>[A-Za-z0-9]+?)(-ram)?(NoFrameskip|Deterministic)?-v[0-9]+")
"""The ids of a game in Gymnasium."""

_FINDERS: dict[str, type[MemoryFinder]] = {
    "Breakout": BreakoutFinder,
    "Pong": PongFinder,
    "SpaceInvaders": SpaceInvadersFinder,
    "MsPacman": MsPacmanFinder,
    "VideoPinball": VideoPinballFinder,
    "Seaquest": SeaquestFinder,
}


def finder_of(environment: str) -> ObjectFinder | None:
    """Who finds the objects of a game by the console's memory; None for a game whose memory is not known.

    Args:
        environment: An id of ale-py: `ALE/Breakout-v5`, `BreakoutNoFrameskip-v4`, `Breakout-v4` ...
    """
    parts = _ID.fullmatch(environment)
    finder = _FINDERS.get(parts["game"]) if parts else None
    return finder() if finder else None
