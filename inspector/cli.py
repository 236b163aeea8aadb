"""The command line: what can be asked for, and how errors reach the user. No logic, and nothing slow to import."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich_argparse import RawDescriptionRichHelpFormatter

from inspector import __version__, clip_options, commands, options
from inspector.console import complain
from inspector.errors import InspectorError
from inspector.help_texts import (
    AGENTS_EXAMPLES,
    DOCTOR_EXAMPLES,
    EXAMPLES,
    LIVE_EXAMPLES,
    PROFILE_EXAMPLES,
    RECORD_EXAMPLES,
    RECOVER_EXAMPLES,
    REPLAY_EXAMPLES,
    SHOW_EXAMPLES,
    TRACK_EXAMPLES,
)


class HelpFormatter(RawDescriptionRichHelpFormatter):
    """Help with the examples left as written."""

    group_name_formatter = str
    text_markup = False
    help_markup = False

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=36)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="inspector",
        description="See what a game-playing or video-watching network looks at when it decides.",
        epilog=EXAMPLES,
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"inspector {__version__}")
    parser.add_argument("--no-color", action="store_true", help="no colours, as with NO_COLOR in the environment")
    parsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")

    record = _add(
        parsers, "record", "AGENT", "let an agent play or watch, explain every decision, write a film", RECORD_EXAMPLES
    )
    record.set_defaults(run=commands.record)
    options.add_source(record)
    options.add_play(record)
    clip_options.add_video(record)
    options.add_explanation(record)
    options.add_output(record)
    clip_options.add_clip_facts(record)
    options.add_facts(record)
    options.add_manners(record, quiet=True)

    track = _add(
        parsers,
        "track",
        "SERIES...",
        "follow over the checkpoints of a training run what drew the attention",
        TRACK_EXAMPLES,
    )
    track.set_defaults(run=commands.track)
    options.add_series(track)
    clip_options.add_tracked(track)
    options.add_facts(track)
    options.add_manners(track, quiet=True)

    profile = _add(
        parsers,
        "profile",
        "AGENT FOLDER",
        "measure where in the clip a video classifier looks, and how fast the video plays best",
        PROFILE_EXAMPLES,
    )
    profile.set_defaults(run=commands.profile)
    clip_options.add_profile(profile)
    clip_options.add_clip_facts(profile)
    options.add_manners(profile, quiet=True)

    live = _add(parsers, "live", "AGENT", "watch an agent think, in this terminal, while it plays", LIVE_EXAMPLES)
    live.set_defaults(run=commands.live)
    options.add_source(live)
    options.add_play(live, length="until you quit")
    options.add_rules(live.add_argument_group("explanation"))
    options.add_view(live)
    options.add_facts(live)
    options.add_manners(live, stream=True)

    replay = _add(parsers, "replay", "DIR", "watch a recording again, in this terminal, with seeking", REPLAY_EXAMPLES)
    replay.set_defaults(run=commands.replay)
    replay.add_argument("recording", metavar="DIR", type=Path, help="folder of the recording")
    options.add_view(replay, recorded=True)
    options.add_manners(replay, stream=True)

    show = _add(parsers, "show", "AGENT", "tell what an agent's file holds, without playing it", SHOW_EXAMPLES)
    show.set_defaults(run=commands.show)
    options.add_source(show)
    clip_options.add_clip_facts(show)
    options.add_facts(show)
    options.add_manners(show)

    recover = _add(parsers, "recover", "DIR", "finish a recording that was killed", RECOVER_EXAMPLES)
    recover.set_defaults(run=commands.recover)
    recover.add_argument("folder", metavar="DIR", type=Path, help="folder of the recording")
    options.add_manners(recover)

    agents = _add(parsers, "agents", "", "list the agents that come with the inspector", AGENTS_EXAMPLES)
    agents.set_defaults(run=commands.agents)
    options.add_manners(agents)

    doctor = _add(parsers, "doctor", "", "check versions, codecs, device, games and terminal", DOCTOR_EXAMPLES)
    doctor.set_defaults(run=commands.doctor)
    options.add_manners(doctor)
    return parser


Subparsers = argparse._SubParsersAction  # argparse names it in no public way


def _add(
    parsers: "Subparsers[argparse.ArgumentParser]", name: str, operand: str, summary: str, examples: str
) -> argparse.ArgumentParser:
    """One command, with its line in the list of commands and its own help."""
    return parsers.add_parser(
        name,
        usage=" ".join(filter(None, ("inspector", name, operand, "[options]"))),
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=examples,
        formatter_class=HelpFormatter,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; None for those of the process.

    Returns:
        The exit code, see `EXIT_CODES`.

    Raises:
        SystemExit: After `--help`, `--version`, and wrong usage; from argparse.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in argv or bool(os.environ.get("INSPECTOR_DEBUG"))
    if "--no-color" in argv:
        os.environ["NO_COLOR"] = "1"  # help is printed while the flags are still being read
    try:
        try:
            return run(argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader of our results has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
        return 1
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except InspectorError as error:
        if debug:
            raise
        complain(f"error: {error}")
        return error.exit_code
    except Exception as error:
        if debug:
            raise
        complain(f"error: {type(error).__name__}: {error} (unexpected; --debug shows where)")
        return 1


def run(argv: Sequence[str]) -> int:
    """Read the arguments and run the command that they name."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return 2
    arguments.argv = ["inspector", *argv]
    return int(arguments.run(arguments))
