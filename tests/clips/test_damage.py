"""Nothing is lost in silence: what a damaged file holds comes first, then an error or a note says what is gone."""

import random
from dataclasses import replace
from pathlib import Path

import av
import pytest

from inspector.clips.container import opened
from inspector.clips.index import read_index
from inspector.clips.limits import Limits
from inspector.clips.losses import Losses
from inspector.clips.reading import _in_place
from inspector.clips.source import Frame, open_video
from inspector.clips.trouble import Trouble
from inspector.errors import VideoError
from tests.clips.making import number_of, picture, write


def read(path: Path) -> tuple[list[Frame], str]:
    """The frames that come, and the error after them; an empty one if there is none."""
    frames: list[Frame] = []
    try:
        with open_video(path) as video:
            frames.extend(video)
    except VideoError as error:
        return frames, str(error)
    return frames, ""


def whole_before(path: Path, place: int) -> int:
    """How many frames from the first on lie before a place in a file."""
    with av.open(path) as film:
        packets = [packet for packet in film.demux(video=0) if packet.dts is not None]
    here = {packet.pts for packet in packets if packet.pos + packet.size <= place}
    times = sorted(packet.pts for packet in packets)
    return next((number for number, time in enumerate(times) if time not in here), len(times))


BEHIND = 2
"""Frames that wait in the decoder for one that is shown before them, and may have been cut off."""

FLAGS = {"film.mp4": "+faststart", "fragments.mp4": "frag_keyframe+empty_moov+default_base_moof", "film.mkv": ""}


@pytest.mark.parametrize("name", FLAGS)
def test_a_cut_file_gives_its_whole_frames_and_then_says_how_many(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, movflags=FLAGS[name])
    content, chance = path.read_bytes(), random.Random(0)
    begin = content.index(b"mdat") if b"mdat" in content else content.index(b"\x1f\x43\xb6\x75")
    for place in (*sorted(chance.sample(range(begin, len(content) - 300), 18)), len(content) - 2, len(content) - 1):
        path.write_bytes(content)
        expected = whole_before(path, place)
        path.write_bytes(content[:place])
        frames, said = read(path)
        assert [number_of(frame.image) for frame in frames] == list(range(len(frames)))
        assert said.startswith(str(path))
        if frames:
            assert f" is damaged after frame {len(frames) - 1} ({frames[-1].seconds:.3f} s), {len(frames)} of " in said
        if name != "film.mkv":  # where packets end cannot be asked there
            assert max(0, expected - BEHIND) <= len(frames) <= expected
        if name == "film.mp4":  # its index is whole and lists all
            assert f"{len(frames)} of 60 frames could be read" in said


def test_a_file_cut_in_its_index_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "film.mp4")
    content = path.read_bytes()
    for place in (1, 20, len(content) // 2, content.index(b"moov"), len(content) - 400, len(content) - 1):
        path.write_bytes(content[:place])
        frames, said = read(path)
        assert said.startswith(str(path))
        assert not frames or place == len(content) - 1  # its last box is but a remark


def test_lenient_reading_gives_what_is_there_and_notes_what_is_not(tmp_path: Path) -> None:
    path = write(tmp_path / "film.mp4", movflags="+faststart")
    content = path.read_bytes()
    expected = whole_before(path, len(content) * 2 // 3)
    path.write_bytes(content[: len(content) * 2 // 3])
    with open_video(path, lenient=True) as video:
        numbers = [number_of(frame.image) for frame in video]
    assert numbers[:expected] == list(range(expected)) and len(numbers) < 60
    assert video.notes[-1] == f"{len(numbers)} of 60 frames could be read"
    assert any(f"after frame {expected - 1} " in note for note in video.notes)


def holed(path: Path) -> int:
    """Make a hole in the middle of the packet of a keyframe; its number."""
    with av.open(path) as film:
        packets = [packet for packet in film.demux(video=0) if packet.dts is not None]
        hit = [packet for packet in packets if packet.is_keyframe][1]
        number = sorted(packet.pts for packet in packets).index(hit.pts)
        start = hit.pos + hit.size // 2
    content = bytearray(path.read_bytes())
    content[start : start + 16] = bytes(16)
    path.write_bytes(content)
    return number


def test_a_hole_of_zeros_is_never_shown_as_a_picture(tmp_path: Path) -> None:
    path = write(tmp_path / "film.mp4")
    number = holed(path)
    frames, said = read(path)
    assert [number_of(frame.image) for frame in frames] == list(range(number))
    assert f"after frame {number - 1} " in said and "a hole of zeros" in said


def test_lenient_reading_goes_on_after_a_hole(tmp_path: Path) -> None:
    path = write(tmp_path / "film.mp4")
    number = holed(path)
    with open_video(path, lenient=True) as video:
        numbers = [number_of(frame.image) for frame in video]
    assert numbers[:number] == list(range(number))
    assert numbers[-20:] == list(range(40, 60))  # from the next keyframe on
    assert any("a hole of zeros" in note for note in video.notes)


def test_a_picture_that_the_decoder_would_mend_by_guessing_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "film.avi", 20, codec="mjpeg", pixels="yuvj420p")
    with av.open(path) as film:
        hit = [packet for packet in film.demux(video=0) if packet.dts is not None][15]
        place, size = hit.pos, hit.size // 4
    content = bytearray(path.read_bytes())
    content[place + 3 * size : place + 4 * size] = b"\xaa" * size
    path.write_bytes(content)
    frames, said = read(path)
    assert [number_of(frame.image) for frame in frames] == list(range(15))
    assert "15 of 20 frames could be read: a frame cannot be decoded" in said


def test_a_frame_count_that_lies_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "film.avi", codec="mjpeg", pixels="yuvj420p")
    content = bytearray(path.read_bytes())
    place = content.index(b"vids") + 32  # AVISTREAMHEADER.dwLength
    assert int.from_bytes(content[place : place + 4], "little") == 60
    content[place] = 59
    path.write_bytes(content)
    frames, said = read(path)
    assert len(frames) == 60 and "60 of 59 frames could be read" in said
    with open_video(path, lenient=True) as video:
        assert len(list(video)) == 60 and video.notes[-1].startswith("60 of 59 ")


def test_frames_that_an_edit_list_leaves_out_are_no_loss_but_are_noted(tmp_path: Path) -> None:
    path = write(tmp_path / "film.mp4", options={"bf": "0"})
    content = bytearray(path.read_bytes())
    place = content.index(b"elst") + 4 + 8 + 4  # version and flags, entry count, duration: then where it begins
    start = int.from_bytes(content[place : place + 4], "big")
    content[place : place + 4] = (start + 10 * 512).to_bytes(4, "big")  # 10 frames later
    path.write_bytes(content)
    with open_video(path) as video:
        assert [number_of(frame.image) for frame in video] == list(range(10, 60))
    assert video.facts.frame_count == 50
    assert video.notes == ("10 of 60 frames are not shown: so says the file's edit list",)


def test_frames_that_an_edit_list_shows_twice_come_twice_and_are_noted(tmp_path: Path) -> None:
    path = write(tmp_path / "film.mp4", 20, options={"bf": "0"})
    content = bytearray(path.read_bytes())
    for box in (b"moov", b"trak", b"edts", b"elst"):
        place = content.index(box) - 4
        content[place : place + 4] = (int.from_bytes(content[place : place + 4], "big") + 12).to_bytes(4, "big")
    entries = content.index(b"elst") + 4 + 4  # version and flags, then how many entries there are
    content[entries + 3] = 2
    content[entries + 16 : entries + 16] = content[entries + 4 : entries + 16]
    path.write_bytes(content)
    with open_video(path) as video:
        assert [number_of(frame.image) for frame in video] == [*range(20), *range(20)]
    assert video.notes == ("40 frames are shown where it holds 20: so says the file's edit list",)


def test_a_frame_for_which_an_avi_has_no_place_is_a_loss(tmp_path: Path) -> None:
    path = write(tmp_path / "film.avi", 3, codec="mjpeg", pixels="yuvj420p")
    whole = read_index(path, Limits(), lambda: None)
    index = replace(whole, times=whole.times[:2], frame_count=2, sure_count=2)
    for lenient in (False, True):
        losses = Losses(index, lenient=lenient)
        with opened(path) as (film, stream):
            for pts, _ in _in_place(film.decode(stream), film, index, losses):
                losses.show(pts)
        assert losses.shown_count == 2
        if lenient:
            assert losses.settle()[0] == "after frame 1 (0.040 s): a frame is missing, or not announced for its time"
        else:
            with pytest.raises(Trouble, match=r"after frame 1 .*: a frame is missing"):
                losses.settle()


@pytest.mark.parametrize(("name", "codec", "pixels"), [("a.avi", "mjpeg", "yuvj420p"), ("a.webm", "libvpx", "yuv420p")])
def test_a_change_of_size_is_an_error_also_when_lenient(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    parts = [write(tmp_path / f"{side}{name}", 5, codec=codec, pixels=pixels, size=(side, 96)) for side in (160, 176)]
    with av.open(parts[0]) as first, av.open(tmp_path / name, "w") as film:
        stream = film.add_stream_from_template(first.streams.video[0])
        for number, part in enumerate(parts):
            with av.open(part) as source:
                for packet in source.demux(video=0):
                    if packet.dts is not None:
                        packet.pts = packet.dts = packet.dts + number * 5 * round(1 / (25 * packet.time_base))
                        packet.stream = stream
                        film.mux(packet)
    for lenient in (False, True):
        frames = []
        with pytest.raises(VideoError, match=r"changes its size from 160×96 to 176×96: cut it"):
            frames.extend(open_video(tmp_path / name, lenient=lenient))
    with open_video(tmp_path / name) as video:
        assert [number_of(next(video).image) for _ in range(5)] == list(range(5))


def test_a_title_that_is_no_text_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with av.open(path, "w") as film:
        film.metadata["title"] = "\x1b[2J"
        stream = film.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        film.mux(stream.encode(av.VideoFrame.from_ndarray(picture(0))))
        film.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"\x1b[2J", b"\xff\xfe\xff\xfe"))  # nor is it UTF-8
    assert len(read(path)[0]) == 1


def test_a_block_of_matroska_that_the_demuxer_passes_over_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "film.webm", codec="libvpx", options={"b": "400k"})
    content = bytearray(path.read_bytes())
    with av.open(path) as film:
        hit = [packet for packet in film.demux(video=0) if packet.dts is not None][30]
    start = hit.pos - (2 if hit.size + 4 < 127 else 3)  # before it stand the block's kind and its length
    assert content[start] == 0xA3
    content[start] ^= 0x10  # what begins here is no block any more
    path.write_bytes(content)
    frames, said = read(path)
    assert [number_of(frame.image) for frame in frames] == list(range(len(frames))) and len(frames) <= 30
    assert "the file is cut off" in said or "is no part of its part" in said


def test_a_packet_said_to_be_longer_than_its_file_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "film.mp4", movflags=FLAGS["fragments.mp4"])
    content = bytearray(path.read_bytes())
    place = content.rindex(b"trun") + 4 + 4 + 8 + 4  # flags, count and offset, first flags: then sizes and offsets
    content[place + 5 * 8 + 1] = 0x40
    path.write_bytes(content)
    frames, said = read(path)
    assert [number_of(frame.image) for frame in frames] == list(range(len(frames))) and 40 <= len(frames) < 60
    assert f"{len(frames)} of 60 frames could be read" in said
