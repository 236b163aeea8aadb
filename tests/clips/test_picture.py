"""Pictures are seen as they were drawn: upright, whole at odd sizes, in their colours at any depth."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from inspector.clips.source import Frame, open_video
from inspector.errors import VideoError
from tests.clips.making import number_of, picture, write

IDENTITY = b"".join(number.to_bytes(4, "big") for number in (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30))


def frames(path: Path) -> list[Frame]:
    with open_video(path) as video:
        found = list(video)
        assert {frame.image.shape for frame in found} == {(video.facts.height, video.facts.width, 3)}
    return found


def with_matrix(path: Path, a: int, b: int, c: int, d: int) -> Path:
    """The film with another display matrix, given in 65536ths."""
    content, place = path.read_bytes(), path.read_bytes().index(b"tkhd")
    start = content.index(IDENTITY, place)
    numbers = [a, b, 0, c, d, 0, 0, 0, 1 << 30]
    matrix = b"".join(number.to_bytes(4, "big", signed=True) for number in numbers)
    path.write_bytes(content[:start] + matrix + content[start + len(matrix) :])
    return path


ONE = 1 << 16
TURNS = {  # what the matrix says, and the same in numpy
    "quarter clockwise": ((0, ONE, -ONE, 0), lambda image: np.rot90(image, -1)),
    "quarter back": ((0, -ONE, ONE, 0), lambda image: np.rot90(image, 1)),
    "half": ((-ONE, 0, 0, -ONE), lambda image: np.rot90(image, 2)),
    "mirrored": ((-ONE, 0, 0, ONE), lambda image: image[:, ::-1]),
    "upside down": ((ONE, 0, 0, -ONE), lambda image: image[::-1]),
    "transposed": ((0, ONE, ONE, 0), lambda image: image.transpose(1, 0, 2)),
    "nothing": ((0, 0, 0, 0), lambda image: image),
}


@pytest.mark.parametrize("turn", TURNS)
def test_a_film_is_turned_as_it_says(tmp_path: Path, turn: str) -> None:
    matrix, act = TURNS[turn]
    upright = [frame.image for frame in frames(write(tmp_path / "film.mp4", 10))]
    turned = [frame.image for frame in frames(with_matrix(tmp_path / "film.mp4", *matrix))]
    assert len(turned) == len(upright) == 10
    for before, after in zip(upright, turned, strict=True):
        assert np.array_equal(after, act(before))


def test_a_turn_is_understood_as_another_writer_means_it(tmp_path: Path) -> None:
    """PyAV counts degrees against the clock."""
    upright = frames(write(tmp_path / "upright.mp4", 3))[0].image
    turned = frames(write(tmp_path / "turned.mp4", 3, rotation=90))[0].image
    assert np.array_equal(turned, np.rot90(upright, 1))


def test_a_film_that_stands_askew_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"is turned by an angle between .*: turn it"):
        open_video(with_matrix(write(tmp_path / "film.mp4", 3), 46341, 46341, -46341, 46341))


@pytest.mark.parametrize("size", [(161, 97), (175, 96), (160, 99)])
def test_odd_sizes_are_kept(tmp_path: Path, size: tuple[int, int]) -> None:
    found = frames(write(tmp_path / "film.mp4", 10, size=size, pixels="yuv444p", options={"crf": "4"}))
    for number, frame in enumerate(found):
        assert frame.image.shape[:2] == size[::-1]
        assert np.abs(frame.image.astype(int) - picture(number, *size)).mean() < 3


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv422p10le", "yuv444p10le", "yuv422p", "gray", "nv12"])
def test_deep_and_other_pixels_show_their_numbers(tmp_path: Path, pixels: str) -> None:
    found = frames(write(tmp_path / "film.mp4", 20, pixels=pixels))
    assert [number_of(frame.image) for frame in found] == list(range(20))


def test_alpha_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "film.mov"
    drawn = np.dstack([picture(5), np.full((96, 160), 40, np.uint8)])
    with av.open(path, "w") as film:
        stream = film.add_stream("qtrle", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "argb"
        film.mux(stream.encode(av.VideoFrame.from_ndarray(drawn, "rgba").reformat(format="argb")))
        film.mux(stream.encode(None))
    assert np.array_equal(frames(path)[0].image, picture(5))


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv420p10le"])
@pytest.mark.parametrize("wide", [ColorRange.MPEG, ColorRange.JPEG])
@pytest.mark.parametrize(("tag", "matrix"), [(1, Colorspace.ITU709), (6, Colorspace.ITU601), (9, Colorspace.BT2020)])
def test_colours_follow_the_matrix_and_range_of_the_film(
    tmp_path: Path, tag: int, matrix: Colorspace, wide: ColorRange, pixels: str
) -> None:
    path = tmp_path / "film.mp4"
    for colour in [(200, 30, 60), (20, 180, 90), (255, 255, 255), (0, 0, 0)]:
        page = av.VideoFrame.from_ndarray(np.full((64, 64, 3), colour, np.uint8))
        with av.open(path, "w") as film:
            stream = film.add_stream("libx264", rate=25, options={"crf": "1"})
            stream.width, stream.height, stream.pix_fmt = 64, 64, pixels
            stream.codec_context.colorspace, stream.codec_context.color_range = tag, wide
            coded = page.reformat(format=pixels, dst_colorspace=matrix, src_color_range="JPEG", dst_color_range=wide)
            coded.colorspace, coded.color_range, coded.pts, coded.time_base = tag, wide, 0, Fraction(1, 25)
            film.mux(stream.encode(coded))
            film.mux(stream.encode(None))
        assert np.abs(frames(path)[0].image.astype(int) - colour).max() <= 4
