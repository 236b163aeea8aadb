"""Every frame of a whole file comes, once, in order, at its time; what is no video is refused by name."""

import itertools
import os
import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from inspector.clips.limits import Limits
from inspector.clips.source import open_video
from inspector.errors import VideoError
from tests.clips.making import UNIT, number_of, picture, write

UNEVEN = list(itertools.accumulate(random.Random(0).choices([10, 20, 24, 30, 55], k=59), initial=0))
"""Times of 60 frames, in `UNIT`s."""

KINDS: dict[str, dict[str, Any]] = {
    "film.mp4": {},
    "film.mov": {"codec": "qtrle", "pixels": "rgb24"},
    "film.mkv": {},
    "film.avi": {},
    "asp.avi": {"codec": "mpeg4"},
    "jpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "vp8.webm": {"codec": "libvpx", "options": {"b": "400k"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"b": "400k"}},
    "fragments.mp4": {"movflags": "frag_keyframe+empty_moov+default_base_moof"},
    "hybrid.mp4": {"movflags": "hybrid_fragmented+frag_keyframe"},
    "interlaced.mp4": {"options": {"flags": "+ildct+ilme", "x264-params": "interlaced=1"}},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "log-level=none"}},
}


@pytest.mark.parametrize("name", KINDS)
def test_every_frame_comes_once_at_its_time(tmp_path: Path, name: str) -> None:
    with open_video(write(tmp_path / name, **KINDS[name])) as video:
        frames = list(video)
    assert [number_of(frame.image) for frame in frames] == [frame.number for frame in frames] == list(range(60))
    assert [frame.seconds for frame in frames] == [number / 25 for number in range(60)]
    facts = video.facts
    assert (facts.width, facts.height, facts.frame_count, facts.fps, facts.seconds) == (160, 96, 60, 25, 2.4)
    assert video.notes == ()


@pytest.mark.parametrize("name", ["film.mp4", "fragments.mp4", "film.mkv"])
def test_uneven_times_are_exact(tmp_path: Path, name: str) -> None:
    with open_video(write(tmp_path / name, times=UNEVEN, **KINDS[name])) as video:
        frames = list(video)
    base = video.facts.time_base
    written = [round(time * UNIT / base) * base for time in UNEVEN]  # Matroska rounds to its unit, a millisecond
    assert [number_of(frame.image) for frame in frames] == list(range(60))
    assert [frame.seconds for frame in frames] == [float(time) for time in written]
    assert [(frame.pts - frames[0].pts) * base for frame in frames] == written
    assert video.facts.fps is None


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.avi"])
@pytest.mark.parametrize("fps", [Fraction(30), Fraction(30000, 1001), Fraction(24000, 1001), Fraction(15, 2)])
def test_codec_and_rate_are_told(tmp_path: Path, name: str, fps: Fraction) -> None:
    with open_video(write(tmp_path / name, fps=fps)) as video:
        assert (video.facts.codec, video.facts.fps) == ("h264", fps)


def test_a_single_frame_is_a_video(tmp_path: Path) -> None:
    with open_video(write(tmp_path / "film.mp4", 1)) as video:
        assert [frame.seconds for frame in video] == [0.0]
        assert video.facts.frame_count == 1


def test_a_frame_that_vp8_hides_is_not_missed(tmp_path: Path) -> None:
    whole = write(tmp_path / "film.webm", **KINDS["vp8.webm"])
    with av.open(whole) as source, av.open(tmp_path / "hidden.webm", "w") as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.dts is None:
                continue
            content = bytearray(bytes(packet))
            content[0] &= 0xEF if number == 30 else 0xFF  # no longer to be shown
            changed = av.Packet(bytes(content))
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.stream, changed.is_keyframe = stream, packet.is_keyframe
            copy.mux(changed)
    with open_video(tmp_path / "hidden.webm") as video:
        assert [number_of(frame.image) for frame in video] == [number for number in range(60) if number != 30]


def test_sound_and_a_cover_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with av.open(path, "w") as film:
        sound = film.add_stream("aac", rate=8000, layout="mono")
        cover, stream = film.add_stream("mjpeg"), film.add_stream("libx264", rate=25)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        film.mux(cover.encode(av.VideoFrame.from_ndarray(picture(0, 64, 64))))
        for number in range(10):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number))))
            film.mux(sound.encode(silence()))
        for each in (cover, stream, sound):
            film.mux(each.encode(None))
    with open_video(path) as video:
        assert [number_of(frame.image) for frame in video] == list(range(10))


def test_frames_stand_still_when_the_next_one_comes(tmp_path: Path) -> None:
    with open_video(write(tmp_path / "film.mp4")) as video:
        first = next(video)
        before = first.image.copy()
        list(video)
    assert (first.image == before).all()


def test_a_closed_video_has_no_more_frames(tmp_path: Path) -> None:
    with open_video(write(tmp_path / "film.mp4")) as video:
        next(video)
    assert list(video) == []


def test_a_name_of_any_letters_is_read(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode("f\u00eete %03d, concat:x|\n\udcff.mp4".encode("utf-8", "surrogateescape"))
    with open_video(write(tmp_path / "film.mp4").rename(path)) as video:
        assert len(list(video)) == 60


def silence() -> av.AudioFrame:
    samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
    samples.rate = 8000
    return samples


def make_sound(path: Path) -> None:
    with av.open(path, "w") as film:
        sound = film.add_stream("aac", rate=8000, layout="mono")
        film.mux(sound.encode(silence()))
        film.mux(sound.encode(None))


def make_no_frames(path: Path) -> None:
    with av.open(path, "w") as film:
        stream = film.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        film.start_encoding()


REFUSED: dict[str, tuple[Any, str]] = {
    "text": (lambda path: path.write_text("no film\n" * 99), r"is no MP4, MOV, .* can be read .*: convert it"),
    "nothing": (lambda path: path.touch(), r"is empty: get the file again"),
    "folder": (lambda path: path.mkdir(), r"is a folder: name a video file in it"),
    "missing": (lambda path: None, r"does not exist: check the name"),
    "pipe": (lambda path: os.mkfifo(path), r"is no regular file: copy"),
    "sound": (make_sound, r"holds no moving pictures, only audio: name another file"),
    "no frames": (make_no_frames, r"holds no moving pictures: name another file"),
    "gif": (lambda path: write(path.with_suffix(".gif"), 3, codec="gif", pixels="rgb8").rename(path), "is no MP4"),
    "transport": (lambda path: write(path.with_suffix(".ts")).rename(path), "is no MP4"),
    "playlist": (lambda path: path.write_text("#EXTM3U\n#EXTINF:1,\nfile:///x/film.mp4\n"), "is no MP4"),
    "concat": (lambda path: path.write_text("ffconcat version 1.0\nfile film.mp4\n"), "is no MP4"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_video_is_refused_in_one_line_with_what_to_do(tmp_path: Path, kind: str) -> None:
    make, match = REFUSED[kind]
    write(tmp_path / "film.mp4", 3)  # what the lists name
    path = tmp_path / "odd.mp4"
    make(path)
    with pytest.raises(VideoError, match=match) as caught:
        open_video(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_an_address_is_not_opened() -> None:
    with pytest.raises(VideoError, match=r"only local files are read: download it first"):
        open_video("http://localhost/film.mp4")


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "film.mp4", 3)

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "stat", refuse)  # root may read everything
    with pytest.raises(VideoError, match=r"may not be read: check its permissions"):
        open_video(str(path))


@pytest.mark.parametrize(
    ("limits", "match"),
    [
        (Limits(long_side=159), r"has frames of 160×96 pixels, 159×2304 pixels are allowed: make it smaller"),
        (Limits(short_side=95), r"has frames of 160×96 pixels"),
        (Limits(fps=24), r"holds 25 frames a second, more than the 24 allowed: cut it"),
        (Limits(seconds=2), r"holds 2.4 seconds, more than the 2 allowed"),
        (Limits(frame_count=59), r"holds 60 frames, more than the 59 allowed"),
    ],
)
def test_limits_are_kept(tmp_path: Path, limits: Limits, match: str) -> None:
    with pytest.raises(VideoError, match=match):
        open_video(write(tmp_path / "film.mp4"), limits=limits)


def test_limits_count_where_no_header_does(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"frames, more than the 59 allowed"):
        open_video(write(tmp_path / "film.mkv"), limits=Limits(frame_count=59))


def test_the_process_that_decodes_loads_no_torch() -> None:
    code = "import sys, inspector.clips.decoding, inspector.clips.reading; print([*{'torch', 'cv2'} & {*sys.modules}])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "[]\n"


def test_a_module_that_lies_beside_a_film_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "film.mp4", 3)
    (tmp_path / "av.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    with open_video("film.mp4") as video:
        assert len(list(video)) == 3


def test_pixels_that_are_no_squares_are_stretched(tmp_path: Path) -> None:
    for aspect, size in [(Fraction(2), (320, 96)), (Fraction(1, 2), (160, 192))]:
        with open_video(write(tmp_path / "film.mp4", 3, aspect=aspect)) as video:
            assert (video.facts.width, video.facts.height) == size
            assert [frame.image.shape for frame in video] == [(size[1], size[0], 3)] * 3


def test_empty_places_of_an_avi_are_no_lost_frames(tmp_path: Path) -> None:
    """AVI has one rate: a frame that is shown for longer is followed by places without a picture."""
    gaps = [1, 1, 4, 1, 7, 1, 1, 2, 1, 1, 3, 1]
    times = [24 * sum(gaps[:number]) for number in range(12)]
    path = write(tmp_path / "pauses.avi", 12, codec="mjpeg", pixels="yuvj420p", times=times)
    with open_video(path) as video:
        frames = list(video)
        assert video.facts.frame_count == 12 and video.facts.fps is None
    assert [number_of(frame.image) for frame in frames] == list(range(12))
    begin = frames[0].seconds
    np.testing.assert_allclose([frame.seconds - begin for frame in frames], [one / 600 for one in times], atol=1e-3)


def test_an_avi_that_lacks_a_picture_is_still_damaged(tmp_path: Path) -> None:
    times = [24 * number + 72 * (number > 5) for number in range(12)]
    path = write(tmp_path / "pauses.avi", 12, codec="mjpeg", pixels="yuvj420p", times=times)
    content = bytearray(path.read_bytes())
    entries = content.index(b"idx1") + 8
    pictures = [at for at in range(entries, len(content) - 15, 16) if content[at + 2 : at + 4] == b"dc"]
    full = [at for at in pictures if int.from_bytes(content[at + 12 : at + 16], "little")]
    assert len(full) == 12 < len(pictures)
    del content[full[4] : full[4] + 16]
    content[entries - 4 : entries] = (int.from_bytes(content[entries - 4 : entries], "little") - 16).to_bytes(
        4, "little"
    )
    path.write_bytes(content)
    with pytest.raises(VideoError, match=r"pauses\.avi is damaged"), open_video(path) as video:
        list(video)
