"""Whatever becomes of the process that decodes, we get one clear error; and it leaves nothing behind."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from inspector.clips.guard import Child
from inspector.clips.limits import Limits
from inspector.clips.source import Video, open_video
from inspector.clips.wire import TEXT_BYTES, Facts, WireError, pack_facts, read_end, read_facts
from inspector.errors import VideoError
from tests.clips.making import write
from tests.interrupts import interrupted

START = """
import os, time
from fractions import Fraction
from inspector.clips.wire import *
facts = Facts(160, 96, 60, None, 2.4, "h264", Fraction(1, 25), 0)
"""


def child(code: str, limits: Limits | None = None) -> Child:
    return Child([sys.executable, "-c", START + code], limits or Limits())


def read_all(code: str, limits: Limits | None = None) -> list[int]:
    limits = limits or Limits()
    return [frame.number for frame in Video("film.mp4", child(code, limits), limits)]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film that does not fit into a pipe."""
    return write(tmp_path_factory.mktemp("films") / "film.mp4", 200)


def is_there(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet asked after does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for_end(pid: int) -> None:
    """Wait as long as it takes; the test that never ends is the one that fails."""
    while is_there(pid):
        time.sleep(0.02)


PATIENT = Limits(patience=4)


def test_a_decoder_that_hangs_at_its_beginning_is_stopped() -> None:
    with pytest.raises(VideoError, match=r"at its beginning: nothing came for 4 s, so it was stopped; .*: convert it"):
        read_all("time.sleep(3600)", PATIENT)


def test_a_decoder_that_hangs_between_frames_is_stopped_and_the_place_is_told() -> None:
    code = """
send(1, Kind.FACTS, pack_facts(facts))
for number in range(3):
    send(1, Kind.FRAME, bytes(160 * 96 * 3), number)
os.write(1, HEADER.pack(MARK, Kind.FRAME, 3, 160 * 96 * 3) + b"half")
time.sleep(3600)
"""
    with pytest.raises(VideoError, match=r"broke its decoder after frame 2 \(0.080 s\): nothing came for 4 s"):
        read_all(code, PATIENT)


def test_a_decoder_that_says_it_is_at_work_is_waited_for() -> None:
    code = """
for _ in range(100):
    send(1, Kind.ALIVE)
    time.sleep(0.05)
send(1, Kind.FACTS, pack_facts(facts).replace(b": 60,", b": 1,"))
send(1, Kind.FRAME, bytes(160 * 96 * 3))
send(1, Kind.END, pack_end(End(None, ())))
"""
    assert read_all(code, PATIENT) == [0]


@pytest.mark.parametrize(
    ("blow", "match"), [(signal.SIGKILL, r"was killed \(SIGKILL\), perhaps"), (signal.SIGSEGV, r"crashed \(SIGSEGV\)")]
)
def test_a_decoder_that_dies_is_an_error_that_says_how(film: Path, blow: signal.Signals, match: str) -> None:
    video = open_video(film)
    next(video)
    os.kill(video.pid, blow)
    numbers = []
    with pytest.raises(VideoError, match=r"broke its decoder after frame \d+ .*: it " + match):
        numbers.extend(frame.number for frame in video)
    assert list(video) == []


GARBAGE = {
    "noise": "os.write(1, os.urandom(4096))",
    "no facts": "send(1, Kind.FACTS, b'{}')",
    "no JSON": "send(1, Kind.FACTS, b'\\xff')",
    "a list": "send(1, Kind.FACTS, b'[1]')",
    "no time": "send(1, Kind.FACTS, pack_facts(facts).replace(b'1/25', b'1/0'))",
    "too large": "send(1, Kind.FACTS, pack_facts(facts).replace(b'160', b'99999'))",
    "an end without a reason": "send(1, Kind.END, pack_end(End(None, ())))",
    "a frame before the facts": "send(1, Kind.FRAME, bytes(160 * 96 * 3))",
    "endless words": "os.write(1, HEADER.pack(MARK, Kind.FACTS, 0, 1 << 40))",
    "far too many frames": "send(1, Kind.FACTS, pack_facts(facts).replace(b': 60,', b': 1000000000000,'))",
    "no frames": "send(1, Kind.FACTS, pack_facts(facts).replace(b': 60,', b': 0,'))",
    "less than no time": "send(1, Kind.FACTS, pack_facts(facts).replace(b'2.4', b'-2.4'))",
    "a unit of years": "send(1, Kind.FACTS, pack_facts(facts).replace(b'1/25', b'99999999'))",
    "fewer frames than announced": "send(1, Kind.FACTS, pack_facts(facts)); send(1, Kind.END, pack_end(End(None, ())))",
    "a frame of another size": "send(1, Kind.FACTS, pack_facts(facts)); send(1, Kind.FRAME, bytes(5))",
    "facts again": "send(1, Kind.FACTS, pack_facts(facts)); send(1, Kind.FACTS, pack_facts(facts))",
    "no end": "send(1, Kind.FACTS, pack_facts(facts)); send(1, Kind.END, b'7')",
    "nothing": "pass",
    "a word too much": "raise SystemExit(3)",
}
TOO_LITTLE = {"fewer frames than announced", "nothing", "a word too much"}


@pytest.mark.parametrize("kind", GARBAGE)
def test_nonsense_on_the_pipe_is_one_clear_error(kind: str) -> None:
    cause = "it ended without a word" if kind in TOO_LITTLE else "what it sent is no frame"
    with pytest.raises(VideoError, match=f"^film.mp4 broke its decoder at its beginning: {cause}"):
        read_all(GARBAGE[kind])


@pytest.mark.parametrize("said", ["1e999999999", "1e400", "-1/25", "1/25/2", "9" * 40, "nan", [1, 25], None])
def test_times_that_would_be_computed_for_ever_or_are_none_are_no_facts(said: Any) -> None:
    facts = Facts(160, 96, 60, None, 2.4, "h264", Fraction(1, 25), 0)
    assert read_facts(pack_facts(facts)) == facts
    with pytest.raises(WireError):
        read_facts(json.dumps({**json.loads(pack_facts(facts)), "time_base": said}).encode())


def test_words_nested_a_thousandfold_are_no_message() -> None:
    for read in (read_facts, read_end):
        with pytest.raises(WireError):
            read(b"[" * TEXT_BYTES)


def test_more_frames_than_allowed_are_not_taken() -> None:
    code = """
send(1, Kind.FACTS, pack_facts(facts))
while True:
    send(1, Kind.FRAME, bytes(160 * 96 * 3))
"""
    with pytest.raises(VideoError, match=r"after frame 99 "):
        read_all(code, Limits(frame_count=100))


def test_words_that_come_over_the_pipe_are_one_line_without_escapes() -> None:
    with pytest.raises(VideoError) as caught:
        read_all("send(1, Kind.END, pack_end(End('is\\x1b[2J\\nbad', ())))")
    assert str(caught.value) == "film.mp4 is [2J bad"


def test_one_frame_may_not_compute_for_ever() -> None:
    code = "from inspector.clips.decoding import limit_computing\nlimit_computing(1)\nwhile True: pass"
    with pytest.raises(VideoError, match=r"one frame took more than 1 s of computing"):
        read_all(code, Limits(computing_seconds=1))


def test_memory_is_bounded(tmp_path: Path) -> None:
    path = write(tmp_path / "film.mp4", 4, size=(4096, 2304), pixels="yuv444p10le", options={"preset": "ultrafast"})
    with pytest.raises(VideoError, match=r"needs more than 0.4 GiB to be decoded: make it smaller"):
        list(open_video(path, limits=Limits(memory=420 << 20)))


def test_a_decoder_ends_when_its_video_is_closed_or_forgotten_or_over(film: Path) -> None:
    closed, forgotten, over = open_video(film), open_video(film), open_video(film)
    pids = [closed.pid, forgotten.pid, over.pid]
    assert all(is_there(pid) for pid in pids)
    closed.close()
    del forgotten
    gc.collect()
    assert len(list(over)) == 200
    assert not any(is_there(pid) for pid in pids)


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_decoder_ends_with_the_process_that_asked_for_it(film: Path, end: str) -> None:
    code = f"""
import os, sys
from inspector.clips.source import open_video
video = open_video(sys.argv[1])
print(video.pid, flush=True)
{end}
"""
    done = subprocess.run([sys.executable, "-c", code, film], capture_output=True, text=True, check=False)
    wait_for_end(int(done.stdout))


def test_a_decoder_that_works_ends_with_the_process_that_asked_for_it() -> None:
    code = f"""
import os, sys
from inspector.clips.guard import Child
from inspector.clips.limits import Limits
busy = "import threading, time; from inspector.clips import decoding; "
busy += "threading.Thread(target=decoding._end_with_parent).start(); time.sleep(3600)"
print(Child([{sys.executable!r}, "-c", busy], Limits()).pid, flush=True)
os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    wait_for_end(int(done.stdout))


def test_ctrl_c_while_waiting_ends_the_decoder() -> None:
    limits = Limits()
    one = child("send(1, Kind.FACTS, pack_facts(facts)); time.sleep(3600)", limits)
    video = Video("film.mp4", one, limits)
    assert interrupted(lambda: next(video), 0.2)
    assert not is_there(video.pid) and list(video) == []


def test_ctrl_c_in_the_terminal_does_not_reach_the_decoder(film: Path) -> None:
    with open_video(film) as video:
        assert os.getpgid(video.pid) != os.getpgid(0)


def peak(pid: int) -> int:
    """The most memory that a process has held, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def test_memory_stays_flat_on_a_long_film(tmp_path: Path) -> None:
    with open_video(write(tmp_path / "long.mp4", 3000)) as video:
        for _ in range(300):
            next(video)
        theirs = peak(video.pid)
        tracemalloc.start()
        try:
            for frame in video:
                if frame.number == 2500:
                    grown = peak(video.pid) - theirs
            _, ours = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    frame_bytes = 160 * 96 * 3
    assert grown < 40 * frame_bytes  # of 2,200 that came meanwhile
    assert ours < 10 * frame_bytes
