"""A terminal is given back as it was, in each of the ways to end; and a slow one drops frames."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import textwrap
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from inspector.live.flow import QUESTION
from inspector.live.frames import FrameWriter
from inspector.live.terminal import ENTER, LEAVE

PROGRAM = """
import os, sys, time
from inspector.live.terminal import Terminal
with Terminal() as terminal:
    terminal.frames.send(b"<<drawn>>")
    {what}
"""


class Console:
    """A pseudo terminal with a program in it."""

    def __init__(self, what: str, *, answers: bool = True, delay: float = 0.0) -> None:
        self.answers, self.delay = answers, delay
        self.ours, theirs = pty.openpty()
        self.modes = termios.tcgetattr(theirs)
        program = PROGRAM.format(what=textwrap.indent(textwrap.dedent(what), "    ").strip())
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.theirs, self.seen = theirs, b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):
            while data := os.read(self.ours, 4096):
                self.seen += data
                for place in QUESTION.findall(data) if self.answers else []:
                    answer = b"\x1b[%s;%sR" % place
                    threading.Timer(self.delay, lambda answer=answer: os.write(self.ours, answer)).start()

    def wait_for(self, text: bytes, times: int = 1) -> None:
        end = time.monotonic() + 20
        while self.seen.count(text) < times:
            assert time.monotonic() < end, self.seen
            time.sleep(0.01)

    def assert_given_back(self, times: int = 1) -> None:
        self.wait_for(LEAVE, times)
        assert self.seen.count(ENTER) == times
        assert self.seen.endswith(LEAVE)
        end = time.monotonic() + 5
        while termios.tcgetattr(self.theirs) != self.modes:
            assert time.monotonic() < end
            time.sleep(0.01)
        tty.setcbreak(self.theirs, termios.TCSANOW)  # or only whole lines can be read
        left = select.select([self.theirs], [], [], 0.05)[0]
        termios.tcsetattr(self.theirs, termios.TCSANOW, self.modes)
        assert not left, "an answer is left for the shell"


@pytest.fixture
def console(request: pytest.FixtureRequest) -> Iterator[Console]:
    made = Console(request.param)
    made.wait_for(b"<<drawn>>")
    yield made
    made.process.kill()
    made.process.communicate()
    os.close(made.theirs)
    os.close(made.ours)


@pytest.mark.parametrize("console", ["pass"], indirect=True)
def test_after_its_block(console: Console) -> None:
    assert console.process.wait(20) == 0
    console.assert_given_back()


@pytest.mark.parametrize("console", ["raise ValueError('broken')"], indirect=True)
def test_after_an_exception_whose_words_come_after_it(console: Console) -> None:
    assert console.process.wait(20) == 1
    console.assert_given_back()
    assert console.process.stderr is not None and b"ValueError: broken" in console.process.stderr.read()


@pytest.mark.parametrize("console", ["time.sleep(60)"], indirect=True)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, -2)])
def test_after_a_signal(console: Console, number: signal.Signals, code: int) -> None:
    console.process.send_signal(number)
    assert console.process.wait(20) == code
    console.assert_given_back()


HEEDING = "while True:\n    if terminal.heed():\n        print('unknown')\n    time.sleep(0.01)"


@pytest.mark.parametrize("console", [HEEDING], indirect=True)
def test_where_no_shell_could_let_it_go_on_it_is_not_stopped(console: Console) -> None:
    console.process.send_signal(signal.SIGTSTP)
    console.wait_for(LEAVE)
    console.wait_for(ENTER, 2)
    console.wait_for(b"unknown")
    console.process.terminate()
    assert console.process.wait(20) == 143
    console.assert_given_back(2)


@pytest.mark.parametrize("first", ["signal.raise_signal(signal.SIGINT)", "pass", "terminal.heed()"])
def test_ctrl_c_while_it_is_being_given_back_waits_until_it_is(first: str) -> None:
    stop = "os.kill(os.getpid(), signal.SIGTSTP)\n" if "heed" in first else ""
    console = Console(f"import signal\n{stop}time.sleep(0.1)\n{first}", delay=0.9)
    console.wait_for(LEAVE)  # its answer is still to come
    console.process.send_signal(signal.SIGINT)
    assert console.process.wait(20) == -signal.SIGINT
    console.assert_given_back()
    console.process.communicate()


def test_a_terminal_that_answers_nothing_is_given_back_too() -> None:
    console = Console("time.sleep(0.1)", answers=False)
    assert console.process.wait(20) == 0
    console.assert_given_back()
    console.process.communicate()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_frame_on_its_way_is_the_only_one_and_a_blocked_terminal_is_given_up() -> None:
    reader, writer = os.pipe()
    frames = FrameWriter(writer)
    assert frames.ready
    frames.send(b"x" * 1_000_000)
    until(lambda: frames.bytes_written > 0)
    assert not frames.ready
    frames.settle(0.1)
    end = time.monotonic() + 20
    while not frames.ready:
        assert time.monotonic() < end
        if select.select([reader], [], [], 0.05)[0]:
            os.read(reader, 1 << 16)
    assert frames.bytes_written < 1_000_000 and frames.count == 1
    os.close(reader)
    frames.send(b"nobody reads")
    until(lambda: frames.count == 2)
    with pytest.raises(BrokenPipeError):
        _ = frames.ready
    os.close(writer)
