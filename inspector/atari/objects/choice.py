"""Which finder a game gets."""

from pathlib import Path

from inspector.atari.objects import ObjectFinder, finder_of
from inspector.atari.objects.drawn import read_regions
from inspector.atari.objects.moving import Moving


def find_for(environment: str, drawn: Path | None = None) -> ObjectFinder:
    """Who finds the regions of a game: the user's own file, the game's memory, or what moves.

    Args:
        environment: Environment id.
        drawn: A TOML file with regions; None takes the game's own.

    Raises:
        UsageError: If the file does not serve.
    """
    return read_regions(drawn) if drawn else finder_of(environment) or Moving()
