"""The command line: what can be asked for, and how errors reach the user. No logic, and nothing slow to import."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich_argparse import RawDescriptionRichHelpFormatter

from inspector import __version__, commands
from inspector.arguments import composite, count, probability, seeds, whole
from inspector.console import complain
from inspector.errors import InspectorError
from inspector.help_texts import (
    AGENTS_EXAMPLES,
    DOCTOR_EXAMPLES,
    EXAMPLES,
    RECORD_EXAMPLES,
    RECOVER_EXAMPLES,
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
        description="See what a game-playing network looks at when it decides.",
        epilog=EXAMPLES,
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"inspector {__version__}")
    parser.add_argument("--no-color", action="store_true", help="no colours, as with NO_COLOR in the environment")
    parsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")

    record = _add(
        parsers, "record", "AGENT", "let an agent play, explain every decision, write a film", RECORD_EXAMPLES
    )
    record.set_defaults(run=commands.record)
    _add_source(record)
    _add_play(record)
    _add_explanation(record)
    _add_output(record)
    _add_facts(record)
    _add_manners(record, quiet=True)

    track = _add(
        parsers,
        "track",
        "SERIES...",
        "follow over the checkpoints of a training run what drew the attention",
        TRACK_EXAMPLES,
    )
    track.set_defaults(run=commands.track)
    _add_series(track)
    _add_facts(track)
    _add_manners(track, quiet=True)

    show = _add(parsers, "show", "AGENT", "tell what an agent's file holds, without playing it", SHOW_EXAMPLES)
    show.set_defaults(run=commands.show)
    _add_source(show)
    _add_facts(show)
    _add_manners(show)

    recover = _add(parsers, "recover", "DIR", "finish a recording that was killed", RECOVER_EXAMPLES)
    recover.set_defaults(run=commands.recover)
    recover.add_argument("folder", metavar="DIR", type=Path, help="folder of the recording")
    _add_manners(recover)

    agents = _add(parsers, "agents", "", "list the agents that come with the inspector", AGENTS_EXAMPLES)
    agents.set_defaults(run=commands.agents)
    _add_manners(agents)

    doctor = _add(parsers, "doctor", "", "check versions, codecs, device, games and terminal", DOCTOR_EXAMPLES)
    doctor.set_defaults(run=commands.doctor)
    _add_manners(doctor)
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


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("agent", metavar="AGENT", help="a bundled agent, a file, a folder, or MODULE:FUNCTION")
    parser.add_argument("--env", metavar="ID", help="environment to play, as ALE/Breakout-v5")
    parser.add_argument(
        "--checkpoint", metavar="WHICH", default="last", help="frames trained, or first, best, last (default)"
    )


def _add_play(parser: argparse.ArgumentParser) -> None:
    play = parser.add_argument_group("play")
    play.add_argument("--seed", metavar="S", type=whole, default=0, help="seed of play and sampling (default 0)")
    length = play.add_mutually_exclusive_group()
    length.add_argument("--episodes", metavar="N", type=count, help="play N whole episodes (default: one)")
    length.add_argument("--steps", metavar="N", type=count, help="stop after N steps")
    choice = play.add_mutually_exclusive_group()
    choice.add_argument(
        "--greedy", action="store_const", const=True, help="take the best action (default for Q-values)"
    )
    choice.add_argument(
        "--sample", dest="greedy", action="store_const", const=False, help="sample actions (default for policies)"
    )


def _add_series(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "series", metavar="SERIES", nargs="+", help="an agent's name, a folder of checkpoints, or a glob"
    )
    parser.add_argument("--env", metavar="ID", help="environment that the agents play, as ALE/Breakout-v5")
    group = parser.add_argument_group("same states")
    states = group.add_mutually_exclusive_group()
    states.add_argument("--probe", metavar="FILE", type=Path, help="states to explain: the probe.npz of another track")
    states.add_argument(
        "--probe-steps", metavar="N", type=count, default=400, help="states in a new probe set (default 400)"
    )
    group.add_argument(
        "--probe-games",
        metavar="N",
        type=count,
        default=3,
        help="games a checkpoint plays for a new probe set (default 3)",
    )
    play = parser.add_argument_group("own play")
    play.add_argument(
        "--seeds",
        metavar="S,S",
        type=seeds,
        default=(0, 1, 2),
        help="own games of a checkpoint, one a seed (default 0,1,2)",
    )
    play.add_argument(
        "--max-steps", metavar="N", type=count, default=5000, help="steps after which a game is left (default 5000)"
    )
    explain = parser.add_argument_group("explanation")
    explain.add_argument(
        "--composite",
        metavar="NAME|FILE",
        type=composite,
        action="append",
        help="rules that explain (default epsilon_plus), repeatable",
    )
    explain.add_argument(
        "--target", metavar="NAME", action="append", help="what is explained (default score), repeatable"
    )
    explain.add_argument("--atoms", action="store_true", help="measure ATOMs too; takes tens of explanations a state")
    explain.add_argument(
        "--regions",
        metavar="FILE",
        type=Path,
        help="your own regions (TOML), instead of the game's objects",
    )
    explain.add_argument("--device", metavar="NAME", default="cpu", help="cpu (default), cuda, cuda:1, mps ...")
    work = parser.add_argument_group("work")
    work.add_argument("--jobs", metavar="N", type=count, help="processes (default: one a core)")
    work.add_argument(
        "--engine", choices=("processes", "ray"), default="processes", help="who works: processes (default), or Ray"
    )
    work.add_argument("--address", metavar="HOST:PORT", help="of a running Ray cluster (default: one is started here)")
    work.add_argument(
        "--seed", metavar="S", type=whole, default=0, help="of all else: probe set, untrained networks (default 0)"
    )
    work.add_argument("-o", "--output", metavar="DIR", type=Path, help="folder (default: a new one in recordings/)")
    work.add_argument("--resume", action="store_true", help="go on with a folder, or add to it; repeats nothing")


def _add_explanation(parser: argparse.ArgumentParser) -> None:
    explain = parser.add_argument_group("explanation")
    explain.add_argument(
        "--composite",
        metavar="NAME|FILE",
        type=composite,
        default="epsilon_plus",
        help="rules that explain, see below (default epsilon_plus)",
    )
    explain.add_argument(
        "--target", metavar="NAME", default="score", help="score (default), contrast, advantage, value or an action"
    )
    explain.add_argument("--regions", metavar="FILE", type=Path, help="a TOML file with regions of your own")
    explain.add_argument("--no-outlines", dest="outlines", action="store_false", help="no lines around the regions")
    maps = explain.add_mutually_exclusive_group()
    maps.add_argument("--no-explain", dest="explain", action="store_false", help="record the play alone")
    maps.add_argument("--save-relevance", action="store_true", help="keep every map in relevance.h5")
    explain.add_argument("--device", metavar="NAME", default="auto", help="auto (default), cpu, cuda, cuda:1, mps ...")
    explain.add_argument(
        "--batch-size", metavar="N", type=count, default=32, help="steps explained at once (default 32)"
    )
    explain.add_argument(
        "--threads", metavar="N", type=count, default=2, help="threads of the film's encoder (default 2)"
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("output")
    output.add_argument("-o", "--output", metavar="DIR", type=Path, help="folder (default: a new one in recordings/)")
    output.add_argument("--overwrite", action="store_true", help="replace the files of a recording that is there")
    output.add_argument(
        "--fps", type=int, choices=(30, 60), default=30, help="30 merges pairs of frames (default), 60 keeps all"
    )


def _add_facts(parser: argparse.ArgumentParser) -> None:
    """What a bare file cannot say of itself."""
    facts = parser.add_argument_group("when the agent's file does not say")
    facts.add_argument("--architecture", metavar="NAME", help="network that the weights belong to, as nature")
    facts.add_argument("--factory", metavar="MOD:FUNC", help="your function that builds the network; runs your code")
    facts.add_argument("--output-kind", choices=("logits", "q_values"), help="what the network's scores are")
    facts.add_argument("--stack", metavar="N", type=count, help="frames in the network's input")
    facts.add_argument("--height", metavar="N", type=count, help="rows of the network's input")
    facts.add_argument("--width", metavar="N", type=count, help="columns of the network's input")
    facts.add_argument("--divisor", metavar="X", type=float, help="pixels are divided by X before the network")
    facts.add_argument("--frame-skip", metavar="N", type=count, help="emulator frames an action lasts")
    facts.add_argument("--sticky", metavar="P", type=probability, help="probability that an action is repeated")
    facts.add_argument("--max-frames", metavar="N", type=count, help="emulator frames that cut an episode off")
    facts.add_argument("--max-pool", action=argparse.BooleanOptionalAction, help="see the maximum of two frames")
    facts.add_argument("--grey", choices=("ale", "rgb", "resize_rgb"), help="how screens become grey")
    facts.add_argument("--padding", choices=("zeros", "first"), help="what stands before an episode's first frame")
    facts.add_argument("--noop-max", metavar="N", type=whole, help="up to N no-ops start an episode")
    facts.add_argument("--fire-reset", action=argparse.BooleanOptionalAction, help="press FIRE to start an episode")
    facts.add_argument("--episodic-life", action=argparse.BooleanOptionalAction, help="treat a lost life as SB3 does")


def _add_manners(parser: argparse.ArgumentParser, *, quiet: bool = False) -> None:
    """How a command talks."""
    manners = parser.add_argument_group("manners")
    manners.add_argument("--json", action="store_true", help="print one JSON object for programs")
    if quiet:
        manners.add_argument("-q", "--quiet", action="store_true", help="no progress")
    manners.add_argument("--no-color", action="store_true", help="no colours")
    manners.add_argument("--debug", action="store_true", help="show the traceback of an error (or INSPECTOR_DEBUG=1)")


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
