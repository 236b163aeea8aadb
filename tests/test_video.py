"""Films: read back and measured, killed in the middle, and on a disk that takes no more."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.errors import RecordingError
from inspector.film import read_facts, read_frame, remux
from inspector.video import VideoWriter
from tests.interrupts import interrupted

WIDTH, HEIGHT = 96, 64


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """A dark page whose left half tells the number as brightness."""
    page = np.full((height, width, 3), 20, np.uint8)
    page[:, : width // 2] = 40 + number % 200
    return page


def write(path: Path, count: int, *, fps: int = 30, width: int = WIDTH, height: int = HEIGHT, threads: int = 2) -> None:
    with VideoWriter(path, width=width, height=height, fps=fps, threads=threads) as film:
        for number in range(count):
            film.add(picture(number, width, height))


def boxes(path: Path) -> list[str]:
    """Names of the top-level boxes of an MP4."""
    content, names, place = path.read_bytes(), [], 0
    while place < len(content):
        names.append(content[place + 4 : place + 8].decode())
        place += int.from_bytes(content[place : place + 4], "big")
    assert place == len(content)
    return names


def test_a_film_is_h264_of_even_size_at_the_rate_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    write(path, 75, fps=60, width=95, height=63)
    facts = read_facts(path)
    assert (facts.codec, facts.pixel_format, facts.width, facts.height) == ("h264", "yuv420p", 96, 64)
    assert (facts.fps, facts.frame_count, facts.seconds, facts.whole) == (60.0, 75, 1.25, True)
    assert read_facts(path, decode=False) == facts


def test_a_finished_film_has_its_index_in_front_and_no_fragments(tmp_path: Path) -> None:
    write(tmp_path / "film.mp4", 40)
    names = boxes(tmp_path / "film.mp4")
    assert names.index("moov") < names.index("mdat")
    assert "moof" not in names
    assert [entry.name for entry in tmp_path.iterdir()] == ["film.mp4"]


def test_every_frame_stands_at_its_time(tmp_path: Path) -> None:
    write(tmp_path / "film.mp4", 60)
    for number in (0, 1, 17, 44, 59):
        shown = read_frame(tmp_path / "film.mp4", (number + 0.5) / 30)
        assert np.abs(shown[:, :40].mean() - (40 + number)) <= 1
    assert np.array_equal(read_frame(tmp_path / "film.mp4", 99), read_frame(tmp_path / "film.mp4", 59.5 / 30))


@pytest.mark.parametrize(
    "colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (18, 20, 24), (240, 140, 40)]
)
def test_colours_come_back_as_they_were_and_are_tagged(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    path = tmp_path / "film.mp4"
    with VideoWriter(path, width=WIDTH, height=HEIGHT, fps=30) as film:
        film.add(np.full((HEIGHT, WIDTH, 3), colour, np.uint8))
    assert np.abs(read_frame(path, 0).astype(int) - colour).max() <= 4
    with av.open(path) as container:
        tags = container.streams.video[0].codec_context
        assert (tags.colorspace, tags.color_range, tags.color_primaries, tags.color_trc) == (6, 1, 1, 1)


def test_text_stays_crisp(tmp_path: Path) -> None:
    random_page = np.random.default_rng(0).choice(np.array([20, 220], np.uint8), size=(HEIGHT, WIDTH, 1))
    page = np.repeat(random_page, 3, axis=2)
    with VideoWriter(tmp_path / "film.mp4", width=WIDTH, height=HEIGHT, fps=30) as film:
        for _ in range(20):
            film.add(page)
    assert np.abs(read_frame(tmp_path / "film.mp4", 0.5).astype(int) - page).mean() < 8


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", 50, width=256)  # a width at which x264 is exact, as at that of a page
    write(tmp_path / "b.mp4", 50, width=256)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_title_and_comment_are_kept(tmp_path: Path) -> None:
    said = {"title": "Breakout · décision", "comment": '{"seed": 1}' * 200}
    with VideoWriter(tmp_path / "film.mp4", width=WIDTH, height=HEIGHT, fps=30, metadata=said) as film:
        film.add(picture(0))
    with av.open(tmp_path / "film.mp4") as container:
        assert {key: container.metadata[key] for key in said} == said


@pytest.mark.parametrize("fps", [10, 15, 30, 60])
def test_the_growing_film_is_never_more_than_a_second_behind(tmp_path: Path, fps: int) -> None:
    path = tmp_path / "film.mp4"
    with VideoWriter(path, width=WIDTH, height=HEIGHT, fps=fps) as film:
        for number in range(4 * fps):
            film.add(picture(number))
            if number >= fps:
                assert film.frame_count - read_facts(path, decode=False).frame_count <= fps
        assert read_facts(path).whole


KILLED = """
import os, sys
import numpy as np
from inspector.video import VideoWriter
film = VideoWriter(sys.argv[1], width=96, height=64, fps=30)
page = np.full((64, 96, 3), 20, np.uint8)
while True:
    page[:, :48] = 40 + film.frame_count % 200
    film.add(page)
    os.write(1, b".")
"""


def test_a_film_killed_at_any_moment_lacks_at_most_its_last_second(tmp_path: Path) -> None:
    chance = random.Random(0)
    for _ in range(6):
        path = tmp_path / "film.mp4"
        child = subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE)
        assert child.stdout is not None
        try:
            sent = len(child.stdout.read(40))
            time.sleep(chance.uniform(0, 0.3))
        finally:
            child.kill()
        sent += len(child.communicate()[0])
        played = read_facts(path).frame_count
        assert sent - 30 <= played <= sent + 1
        assert remux(path) == played == read_facts(path).frame_count
        assert "moof" not in boxes(path)
        last = read_frame(path, played / 30)
        assert np.abs(last[:, :40].mean() - (40 + (played - 1) % 200)) < 2


def test_ctrl_c_while_a_film_closes_costs_it_no_frame(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, HEIGHT, WIDTH, 3), dtype=np.uint8)
    came = []
    for milliseconds in range(1, 30, 4):
        film = VideoWriter(tmp_path / f"{milliseconds}.mp4", width=WIDTH, height=HEIGHT, fps=30)
        for frame in noise:
            film.add(frame)
        came.append(interrupted(film.close, milliseconds / 1000))
        assert film.close() == read_facts(film.path).frame_count == 40
        assert "moof" not in boxes(film.path)
    assert any(came)


def test_ctrl_c_while_frames_are_added_leaves_every_frame_that_was_counted(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    film = VideoWriter(tmp_path / "film.mp4", width=WIDTH, height=HEIGHT, fps=30)
    for trial in range(20):
        assert interrupted(lambda: [film.add(noise) for _ in range(100_000)], 0.01 + trial / 1000)
    assert film.close() == read_facts(film.path).frame_count > 20


def growing(path: Path, count: int) -> bytes:
    """The bytes of a film that its writer left after so many frames."""
    film = VideoWriter(path, width=WIDTH, height=HEIGHT, fps=30)
    for number in range(count):
        film.add(picture(number))
    content = path.read_bytes()
    film.close()
    return content


def test_a_film_torn_at_any_byte_gives_every_frame_before_the_tear(tmp_path: Path) -> None:
    whole = growing(tmp_path / "whole.mp4", 100)
    path, recovered = tmp_path / "torn.mp4", []
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        recovered.append(remux(path))
        if recovered[-1]:
            assert read_facts(path).frame_count == recovered[-1]
        else:
            assert path.read_bytes() == whole[:length]
    assert recovered == sorted(recovered)
    assert recovered[0] == 0
    assert recovered[-1] >= 60
    assert [entry.name for entry in tmp_path.iterdir() if entry.suffix == ".part"] == []


def test_a_film_cut_after_it_was_finished_is_reported_as_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    write(path, 90)
    path.write_bytes(path.read_bytes()[:-200])
    facts = read_facts(path)
    assert not facts.whole
    assert 0 < facts.frame_count < 90


@pytest.mark.parametrize("content", [b"", b"no film", b"\0\0\0\x20ftypisom" + bytes(200)])
def test_what_is_no_film_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    for function in (read_facts, lambda path: read_frame(path, 0)):
        with pytest.raises(RecordingError, match=r"film\.mp4"):
            function(path)
    assert remux(path) == 0
    assert path.read_bytes() == content


LIMITED = """
import json, resource, sys
import numpy as np
from inspector.video import VideoWriter

def film(path, limit, count):
    noise = np.random.default_rng(0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    film = VideoWriter(path, width=96, height=64, fps=30)
    errors = []
    add = lambda: film.add(noise.integers(0, 255, (64, 96, 3), dtype=np.uint8))
    for step in [*[add] * count, film.close, film.close]:
        try:
            step()
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")
    return {"limit": limit, "added": film.frame_count, "errors": errors}

folder, *limits = sys.argv[1:]
print(json.dumps([film(f"{folder}/{limit}.mp4", int(limit), 60) for limit in limits]))
"""
"""Films on a disk of so many bytes: a real limit of the system on the size of a file, in a process of its own."""


def test_a_film_that_outgrows_the_disk_keeps_its_frames_and_its_first_error(tmp_path: Path) -> None:
    limits = [*range(1000, 220_000, 9_000), 10_000_000]
    code = [sys.executable, "-c", LIMITED, tmp_path, *map(str, limits)]
    films = json.loads(subprocess.run(code, capture_output=True, text=True, check=True).stdout)
    for film in films[:-1]:
        path, added = tmp_path / f"{film['limit']}.mp4", film["added"]
        assert len(set(film["errors"])) == 1
        assert film["errors"][0].startswith(f"RecordingError: {path} cannot be written: File too large;")
        played = read_facts(path).frame_count if added > 30 else 0
        assert added - 30 <= played <= added
        assert played == 0 or remux(path) == played
    assert any(film["added"] == 60 for film in films[:-1])  # the disk was full when the film ended, too
    assert films[-1]["errors"] == []
    assert read_facts(tmp_path / "10000000.mp4").frame_count == 60
    assert [entry for entry in tmp_path.iterdir() if entry.suffix == ".part"] == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nowhere/film\.mp4 cannot be written: No such file or directory"):
        VideoWriter(tmp_path / "nowhere" / "film.mp4", width=2, height=2, fps=30)


def test_a_frame_of_another_size_is_refused(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "film.mp4", width=WIDTH, height=HEIGHT, fps=30) as film:
        film.add(picture(0))
        with pytest.raises(ValueError, match=r"\(64, 96, 3\)"):
            film.add(picture(0, width=WIDTH + 2))
    with pytest.raises(RecordingError, match="closed"):
        film.add(picture(0))
    assert read_facts(film.path).frame_count == 1


def test_a_film_without_frames_is_no_file(tmp_path: Path) -> None:
    film = VideoWriter(tmp_path / "film.mp4", width=WIDTH, height=HEIGHT, fps=30)
    assert film.close() == film.close() == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", [{"width": 0}, {"fps": 0}, {"threads": 0}])
def test_a_film_of_nothing_is_refused(tmp_path: Path, bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="no film of"):
        VideoWriter(tmp_path / "film.mp4", **{"width": WIDTH, "height": HEIGHT, "fps": 30, **bad})
