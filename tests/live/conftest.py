"""A play of Breakout, as several tests need it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.atari.objects.choice import find_for
from inspector.live.filming import Filming
from inspector.live.player import Player
from inspector.live.playing import Playing
from inspector.live.roster import Roster


@pytest.fixture
def player() -> Iterator[Player]:
    """The bundled agent, at its last checkpoint."""
    roster = Roster.of("breakout", "last", "cpu", {})
    with Player(roster, find_for("ALE/Breakout-v5"), place=roster.place) as made:
        yield made


@pytest.fixture
def filming(player: Player, tmp_path: Path) -> Iterator[Filming]:
    """What records it, into `films`."""
    with Filming(player, tmp_path / "films", {"play": {"seed": 0}}) as made:
        yield made


@pytest.fixture
def playing(player: Player, filming: Filming) -> Playing:
    """The play."""
    return Playing(player, filming)
