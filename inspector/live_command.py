"""The command `inspector live`: from arguments to a player, and what is said at the end."""

import sys
from argparse import Namespace
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

from inspector.atari.objects.choice import find_for
from inspector.console import complain, print_facts, results
from inspector.errors import RecordingError, UsageError
from inspector.live.filming import Filming
from inspector.live.outlet import Outlet, line_writer
from inspector.live.player import Player
from inspector.live.playing import Limit, Playing
from inspector.live.roster import Roster
from inspector.options import device, source
from inspector.rollout import samples
from inspector.session import check_actions, one_torch_thread


def live(arguments: Namespace) -> int:
    """Watch an agent play; 128 plus the signal's number if one has ended it, 5 if a film could not be made."""
    with redirect_stdout(sys.stderr):  # should a library print, it is no result
        player = _player(arguments)
    outlet = Outlet(arguments.output or Path("recordings"), arguments.speed, arguments.color, as_json=arguments.json)
    on_screen = outlet.find_screen()
    limit = Limit(arguments.steps, arguments.episodes)
    if not on_screen and limit == Limit():
        limit = Limit(episodes=1)
    with player, one_torch_thread():
        filming = Filming(player, outlet.folder, _account(arguments, player))
        playing = Playing(player, filming, limit)
        playing.scene.overlay = arguments.overlay
        try:
            with filming:
                code = outlet.watch(playing) if on_screen else outlet.tell(playing)
        except BaseException:
            with suppress(OSError):  # whoever would read it may be gone
                _tell(playing, filming, outlet)
            raise
        _tell(playing, filming, outlet)
        return code or (RecordingError.exit_code if filming.failed else 0)


def _player(arguments: Namespace) -> Player:
    """The player that was asked for; everything that does not fit is found here."""
    options = source(arguments)
    name, checkpoint = options.pop("source"), options.pop("checkpoint")
    roster = Roster.of(name, checkpoint, device(arguments.device), options)
    agent = roster[roster.place]
    environment = arguments.env or agent.facts.environment
    if environment is None:
        raise UsageError(f"{agent.facts.name} does not say which game it plays: name it, as in --env ALE/Breakout-v5")
    player = Player(
        roster,
        find_for(environment, arguments.regions),
        place=roster.place,
        composite=arguments.composite,
        target=arguments.target,
        seed=arguments.seed,
        greedy=arguments.greedy,
    )
    check_actions(agent, player.game)
    return player


def _account(arguments: Namespace, player: Player) -> dict[str, Any]:
    """What a recording's manifest says of how it came about."""
    policy = "sampled" if samples(player.agent, arguments.greedy) else "greedy"
    return {"play": {"seed": arguments.seed, "policy": policy, "live": True}, "command": arguments.argv}


def _tell(playing: Playing, filming: Filming, outlet: Outlet) -> None:
    """What was watched, and what was kept of it."""
    for error in filming.failed:
        complain(str(error))
    games = [game for game in playing.games if game.steps]
    if outlet.as_json:
        episodes = [{"steps": one.steps, "return": one.return_so_far, "finished": one.finished} for one in games]
        films, failed = [str(one.video) for one in filming.finished], [str(error) for error in filming.failed]
        line_writer(as_json=True)({"steps": playing.steps, "episodes": episodes, "recordings": films, "failed": failed})
        return
    lines: list[tuple[str, object]] = []
    for number, game in enumerate(games, start=1):
        end = "" if game.finished else ", not finished"
        lines.append((f"episode {number}", f"return {game.return_so_far:g} in {game.steps} steps{end}"))
    lines += [("film", one.video) for one in filming.finished]
    lines += [("snapshot", path) for path in outlet.snapshots]
    print_facts(results(), f"watched: {playing.steps} steps", lines)
