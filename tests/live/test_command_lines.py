"""`inspector live` where there is no terminal to take over, and where what was asked for makes no sense."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.live.terminal import ENTER
from tests.live.session import PATIENCE_SECONDS, Session, environment

BREAKOUT = ("live", "breakout", "--speed", "max", "--device", "cpu")
LINE = r"\d:\d\d  return \d+  lives 5  (NOOP|FIRE|RIGHT|LEFT) \d+%  ball \d+%, .*background \d+%"


def piped(*arguments: str, folder: Path, program: str = "") -> subprocess.CompletedProcess[str]:
    """The command, or a program that ends in it, with its output in pipes."""
    return subprocess.run(
        [sys.executable, *(("-c", program) if program else ("-m", "inspector")), *arguments],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def running(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    """The command while it runs, with its output in pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "inspector", *arguments],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_into_a_pipe_go_lines_and_stderr_says_why(tmp_path: Path) -> None:
    done = piped(*BREAKOUT, "--steps", "45", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "stdout is no terminal: a line a second instead of the picture\n")
    lines = done.stdout.splitlines()
    end = lines.index("watched: 45 steps")
    assert end >= 2 and all(re.fullmatch(LINE, line) for line in lines[:end])
    assert re.fullmatch(r"  episode 1  return \d+ in 45 steps, not finished", lines[end + 1])
    assert len(lines) == end + 2 and "\x1b" not in done.stdout
    assert not list(tmp_path.iterdir())


def test_json_is_an_object_a_line_and_the_last_tells_of_the_whole(tmp_path: Path) -> None:
    done = piped(*BREAKOUT, "--steps", "45", "--json", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    *moments, whole = map(json.loads, done.stdout.splitlines())
    assert len(moments) >= 2
    for moment in moments:
        assert moment["agent"].startswith("breakout · 42.0 M frames") and moment["lives"] == 5
        assert 0 <= moment["probability"] <= 1 and moment["explained"] == moment["action"]
        assert sum(moment["region_shares"].values()) == pytest.approx(1, abs=1e-3)
    assert [one["seconds"] for one in moments] == sorted(one["seconds"] for one in moments)
    (episode,) = whole["episodes"]
    assert (whole["steps"], whole["recordings"], episode["steps"], episode["finished"]) == (45, [], 45, False)
    assert episode["return"] == moments[-1]["return"]


def test_a_reader_that_has_seen_enough_ends_it_without_a_word(tmp_path: Path) -> None:
    with running(*BREAKOUT, "--steps", "200", folder=tmp_path) as process:
        assert process.stdout is not None and process.stderr is not None
        assert re.fullmatch(LINE, process.stdout.readline().strip())
        process.stdout.close()
        said = process.stderr.read().splitlines()
        assert process.wait(PATIENCE_SECONDS) == 1
    assert said == ["stdout is no terminal: a line a second instead of the picture"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_at_a_signal_the_whole_is_still_told(number: signal.Signals, code: int, tmp_path: Path) -> None:
    with running(*BREAKOUT, "--json", folder=tmp_path) as process:
        assert process.stdout is not None and process.stderr is not None
        for _ in range(2):  # the first is printed before the first step, the second after one
            assert json.loads(process.stdout.readline())["lives"] == 5
        process.send_signal(number)
        *_, moment, whole = map(json.loads, process.stdout.read().splitlines())
        assert process.wait(PATIENCE_SECONDS) == code and process.stderr.read() == ""
    (episode,) = whole["episodes"]
    assert episode["steps"] == whole["steps"] > 0 and episode["return"] == moment["return"]


EARLY = """
import signal, sys
from inspector.cli import main
from inspector.live import outlet

say = outlet._say

def say_and_interrupt(line):
    say(line)
    outlet._say = say
    signal.raise_signal(signal.SIGINT)

outlet._say = say_and_interrupt
sys.exit(main(sys.argv[1:]))
"""


def test_at_a_signal_before_the_first_step_no_episode_is_told_of(tmp_path: Path) -> None:
    done = piped(*BREAKOUT, "--json", program=EARLY, folder=tmp_path)
    assert (done.returncode, done.stderr) == (130, "")
    *moments, whole = map(json.loads, done.stdout.splitlines())
    assert [moment["return"] for moment in moments] == [0, 0]
    assert whole == {"steps": 0, "episodes": [], "recordings": [], "failed": []}


@pytest.mark.parametrize(
    ("descriptors", "more", "why"),
    [
        ("12", {}, "stdin is no terminal, so no key could be read"),
        ("012", {"TERM": "dumb"}, "the terminal cannot move its cursor (TERM)"),
    ],
)
def test_a_terminal_that_cannot_be_taken_over_gets_lines(
    descriptors: str, more: dict[str, str], why: str, tmp_path: Path
) -> None:
    arguments = (*BREAKOUT, "--steps", "10")
    with Session(*arguments, size=(30, 200), descriptors=descriptors, more=more, folder=tmp_path) as session:
        assert session.exit_code() == 0
        first, *lines = re.sub(r"\x1b\[[0-9;]*m", "", session.after).splitlines()
        assert first == f"{why}: a line a second instead of the picture"
        assert re.fullmatch(LINE, lines[0]) and "watched: 10 steps" in lines
        assert ENTER not in session.written and b"\x1b[?" not in session.written
        assert session.has_modes_of_before


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("live", "breakout", "--speed", "0"), 2, "0 is no speed: give a number above 0"),
        (("live", "breakout", "--steps", "0"), 2, "--steps"),
        (("live", "breakout", "--target", "JUMP"), 2, "no target 'JUMP'"),
        (("live", "nobody"), 3, "nobody"),
        (("live", "breakout", "--env", "ALE/Nonesuch-v5"), 6, "Nonesuch"),
        (("live", "breakout", "--env", "ALE/Boxing-v5"), 6, "actions"),
        (("replay", "nowhere"), 5, "nowhere"),
        (("replay", "."), 5, "manifest"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_line_before_the_terminal_is_taken(
    arguments: tuple[str, ...], code: int, words: str, tmp_path: Path
) -> None:
    with Session(*arguments, size=(40, 300), folder=tmp_path) as session:
        assert session.exit_code() == code
        last = session.after.splitlines()[-1]
        assert "error: " in last and words in last
        assert "Traceback" not in session.after and b"\x1b[?" not in session.written
        assert code == 2 or len(session.after.splitlines()) == 1
        assert session.has_modes_of_before
