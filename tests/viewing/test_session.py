"""Recordings of whole videos by a small classifier: every frame at its own time, with relevance of its own."""

import json
import os
import signal
import weakref
from pathlib import Path
from typing import Any

import av
import h5py
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inspector.draw.clip_moment import ClipFacts, ClipMoment
from inspector.draw.clip_page import ClipPage
from inspector.errors import RecordingError, UnsupportedError, UsageError, VideoError
from inspector.recording import Recording
from inspector.records import LEDGER_PARTS
from inspector.recovery import recover
from inspector.viewing.session import record_videos
from tests.clips.making import number_of, write
from tests.viewing.making import CLASSES, make_agent

COUNT = 29
TIMES = [24 * number + 37 * max(number - 11, 0) for number in range(COUNT)]
"""In 600ths of a second: an even rate that slows down in the middle."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("film") / "uneven.mp4", COUNT, times=TIMES)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory, film: Path) -> Recording:
    folder = tmp_path_factory.mktemp("recordings") / "one"
    return record_videos(make_agent(), [film], output=folder, save_relevance=True, batch_size=2)


def shown(recording: Recording) -> list[tuple[float, NDArray[np.uint8]]]:
    """Every frame of the recorded film, with its time, and the video as it stands on the page."""
    x, y, width, height = recording.manifest["pages"][0]["screen"]
    with av.open(str(recording.video)) as film:
        frames = [(float(one.pts * one.time_base), one.to_ndarray(format="rgb24")) for one in film.decode(video=0)]
    return [(time, page[y : y + height, x : x + width]) for time, page in frames]


def number_on(screen: NDArray[np.uint8]) -> int:
    """The number that an enlarged frame shows."""
    step = screen.shape[0] // 96
    return number_of(np.ascontiguousarray(screen[::step, ::step]))


def rows(recording: Recording) -> list[dict[str, Any]]:
    return recording.rows.to_pylist()


def test_every_frame_of_the_video_is_in_the_film_at_its_own_time(recording: Recording) -> None:
    frames = shown(recording)
    assert [number_on(screen) for _, screen in frames] == list(range(COUNT))
    np.testing.assert_allclose([time for time, _ in frames], [one / 600 for one in TIMES], atol=1e-5)
    assert recording.manifest["counts"]["frames"] == COUNT
    assert recording.manifest["film"]["timed"] is True


def test_rows_are_windows_with_their_scores_and_a_ledger_that_closes(recording: Recording) -> None:
    found = rows(recording)
    assert [row["frame"] for row in found] == [0, 4, 8, 12, 16, 20, 21]
    assert [row["step"] for row in found] == list(range(7)) and {row["episode"] for row in found} == {0}
    assert [row["terminated"] for row in found] == [False] * 6 + [True]
    for row in found:
        assert row["video_seconds"] == pytest.approx(TIMES[row["frame"]] / 600)
        assert row["action_name"] == CLASSES[row["action"]] == CLASSES[int(np.argmax(row["scores"]))]
        assert sum(row[f"ledger_{part}"] for part in LEDGER_PARTS) == pytest.approx(row["target_score"], abs=1e-5)
        assert row["target_score"] == pytest.approx(row["scores"][CLASSES.index(row["target"])], abs=1e-5)
        assert len(row["frame_shares"]) == 8 and sum(row["frame_shares"]) == pytest.approx(1, abs=1e-5)


def test_the_manifest_says_how_it_was_made(recording: Recording, film: Path) -> None:
    manifest = json.loads((recording.path / "manifest.json").read_text())
    assert manifest["kind"] == "clips" and manifest["status"] == "complete"
    assert manifest["windows"] == {"frames": 8, "stride": 1, "step": 4}
    assert manifest["preprocessing"]["crop"] == [48, 80]
    assert manifest["agent"]["class_names"] == list(CLASSES)
    (video,) = manifest["videos"]
    assert video["path"] == str(film) and len(video["sha256"]) == 64
    assert (video["frame_count"], video["fps"], video["width"]) == (COUNT, None, 160)
    assert video["target"] in CLASSES
    assert manifest["explanation"] == {"composite": "epsilon_plus", "target": "score", "measure": "relevance"}
    assert (recording.path / "thumbnail.png").stat().st_size > 1000


def test_the_class_of_the_whole_video_is_explained_in_every_window(recording: Recording) -> None:
    found = rows(recording)
    scores = torch.tensor([row["scores"] for row in found], dtype=torch.float64)
    best = CLASSES[int(scores.softmax(1).mean(0).argmax())]
    assert {row["target"] for row in found} == {best} == {recording.manifest["videos"][0]["target"]}


def test_saved_maps_are_those_of_the_windows(recording: Recording) -> None:
    with h5py.File(recording.path / "relevance.h5") as file:
        maps = file["relevance"][:]
    assert maps.shape == (7, 8, 48, 80)
    for values, row in zip(maps, rows(recording), strict=True):
        net = row["relevance_positive"] + row["relevance_negative"]
        assert values.sum(dtype=np.float64) == pytest.approx(net, rel=0.02, abs=0.02)


def test_several_videos_follow_each_other_in_one_film_and_pages_do_not_pile_up(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: weakref.WeakSet[ClipPage] = weakref.WeakSet()

    class Page(ClipPage):
        def __init__(self, facts: ClipFacts) -> None:
            super().__init__(facts)
            assert len(pages) < 2
            pages.add(self)

    monkeypatch.setattr("inspector.viewing.recorder.ClipPage", Page)
    other = write(tmp_path / "wide.mp4", 12, size=(192, 96))
    recording = record_videos(make_agent(), [film, other, other], output=tmp_path / "r", target="each")
    times = [time for time, _ in shown(recording)]
    assert len(times) == COUNT + 2 * 12 and times == sorted(times)
    gap = times[COUNT] - times[COUNT - 1]
    assert 0.02 < gap < 0.2
    np.testing.assert_allclose(np.diff(times[COUNT:]), 0.04, atol=1e-4)
    assert [row["episode"] for row in rows(recording)] == [0] * 7 + [1] * 2 + [2] * 2
    assert all(row["target"] == row["action_name"] for row in rows(recording))
    assert recording.manifest["counts"]["episodes"] == 3


def test_without_explanation_what_is_recognised_is_recorded(film: Path, tmp_path: Path) -> None:
    recording = record_videos(make_agent(), [film], output=tmp_path / "r", explain=False)
    assert recording.manifest["explanation"] is None and recording.manifest["counts"]["frames"] == COUNT
    assert all(row["target"] is None and len(row["scores"]) == 3 for row in rows(recording))


def test_a_stop_after_some_windows_keeps_the_frames_that_they_reached(film: Path, tmp_path: Path) -> None:
    recording = record_videos(make_agent(), [film], output=tmp_path / "r", windows=2)
    assert [row["frame"] for row in rows(recording)] == [0, 4]
    assert [number_on(screen) for _, screen in shown(recording)] == list(range(12))


def test_ctrl_c_finishes_the_film(film: Path, tmp_path: Path) -> None:
    def interrupt(part: str, progress: Any) -> None:
        if part == "explaining" and progress.done == 3:
            signal.raise_signal(signal.SIGINT)

    recording = record_videos(make_agent(), [film], output=tmp_path / "r", on_progress=interrupt)
    assert recording.status == "interrupted"
    assert len(rows(recording)) == 3
    assert [number_on(screen) for _, screen in shown(recording)] == list(range(16))


def test_a_video_that_loses_frames_is_an_error_and_what_was_seen_is_kept(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.mp4", 60, movflags="+faststart").read_bytes()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(VideoError, match=r"broken\.mp4"):
        record_videos(make_agent(), [broken], output=tmp_path / "r", target="bright")
    kept = Recording.load(tmp_path / "r")
    assert kept.status == "failed" and kept.manifest["counts"]["frames"] >= 8
    assert recover(tmp_path / "r").was_finished


def test_damage_behind_the_last_frame_is_told(tmp_path: Path) -> None:
    torn = write(tmp_path / "torn.mp4", 12, options={"bf": "0"})
    torn.write_bytes(torn.read_bytes() + b"\0\0\7\0abcd")
    for target in ("score", "bright"):
        with pytest.raises(VideoError, match=r"12 of 12 frames could be read: the file ends 1784 bytes too early"):
            record_videos(make_agent(), [torn], output=tmp_path / target, target=target)
    assert not (tmp_path / "score").exists()
    assert Recording.load(tmp_path / "bright").manifest["counts"]["frames"] == 12


def test_after_some_windows_of_a_video_the_next_one_follows_at_once(tmp_path: Path) -> None:
    one = write(tmp_path / "one.mp4", 50)
    told: list[tuple[str, int, int]] = []
    recording = record_videos(
        make_agent(),
        [one, one],
        output=tmp_path / "r",
        windows=1,
        on_progress=lambda part, progress: told.append((part, progress.done, progress.total)),
    )
    assert told == [(part, done, 2) for part in ("recognising", "explaining") for done in (1, 2)]
    np.testing.assert_allclose([time for time, _ in shown(recording)], np.arange(16) / 25, atol=1e-4)
    assert [row["video_seconds"] for row in rows(recording)] == pytest.approx([0, 8 / 25])


def test_a_recording_that_came_to_nothing_leaves_no_folder(film: Path, tmp_path: Path) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    for there in (False, True):
        folder = tmp_path / "new" / str(there)
        if there:
            folder.mkdir()
        with pytest.raises(KeyboardInterrupt):
            record_videos(make_agent(), [film], output=folder, on_progress=interrupt)
        assert folder.exists() == there


def test_a_video_is_not_replaced_by_its_own_recording(film: Path, tmp_path: Path) -> None:
    made = record_videos(make_agent(), [film], output=tmp_path / "r", explain=False, target="dim")
    before = made.video.read_bytes()
    with pytest.raises(UsageError, match="would be replaced by its own recording"):
        record_videos(make_agent(), [made.video], output=tmp_path / "r", overwrite=True)
    (tmp_path / "latest.mp4").symlink_to(made.video)
    (tmp_path / "folder").symlink_to(tmp_path / "r")
    for other in (tmp_path / "latest.mp4", tmp_path / "folder" / "video.mp4"):
        with pytest.raises(UsageError, match="would be replaced by its own recording"):
            record_videos(make_agent(), [film, other], output=tmp_path / "r", overwrite=True)
    assert made.video.read_bytes() == before


def test_a_name_that_is_no_unicode_and_has_two_lines_is_recorded_readably(film: Path, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"a\xff\nb.mp4")
    odd.write_bytes(film.read_bytes())
    command = ["inspector", "record", "--video", str(odd)]
    recording = record_videos(make_agent(), odd, output=tmp_path / "r", windows=1, target="dim", command=command)
    manifest = json.loads((recording.path / "manifest.json").read_text())
    assert manifest["title"] == "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b"
    assert manifest["videos"][0]["path"].endswith("a\\xff\nb.mp4") and manifest["command"][-1].endswith("\\xff\nb.mp4")


def test_after_an_error_in_the_writing_thread_nothing_more_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = ClipPage.draw

    def fail_once(page: ClipPage, moment: ClipMoment) -> Any:
        if moment.number == 5:
            raise ArithmeticError("on purpose")
        return draw(page, moment)

    monkeypatch.setattr(ClipPage, "draw", fail_once)
    video = write(tmp_path / "video.mp4", 80)
    with pytest.raises(ArithmeticError, match="on purpose"):
        record_videos(make_agent(), [video], output=tmp_path / "r", target="dim", batch_size=2)
    kept = Recording.load(tmp_path / "r")
    assert kept.status == "failed"
    assert [number_on(screen) for _, screen in shown(kept)] == list(range(5))


def test_what_makes_no_sense_is_refused_before_anything_is_written(film: Path, tmp_path: Path) -> None:
    short = write(tmp_path / "short.mp4", 5)
    folder = tmp_path / "r"
    with pytest.raises(UsageError, match=r"short\.mp4: a window of 8 frames with stride 1 needs 8 frames, .* has 5"):
        record_videos(make_agent(), [film, short], output=folder)
    with pytest.raises(UsageError, match="no target 'golf'"):
        record_videos(make_agent(), [film], target="golf", output=folder)
    with pytest.raises(VideoError, match="does not exist"):
        record_videos(make_agent(), [film, tmp_path / "none.mp4"], output=folder)
    with pytest.raises(UsageError, match="leave frames out"):
        record_videos(make_agent(), [film], step=9, output=folder)
    assert not folder.exists()
    folder.mkdir()
    (folder / "mine.txt").write_text("keep")
    with pytest.raises(RecordingError, match="not empty"):
        record_videos(make_agent(), [film], output=folder)


class _Attention(nn.Module):
    """A network with an operation that has no rule."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.head = nn.AdaptiveAvgPool3d((1, 2, 2)), nn.Linear(12, len(CLASSES))

    def forward(self, clips: Tensor) -> Tensor:
        tokens = self.pool(clips).flatten(1)[:, None]
        mixed = torch.nn.functional.scaled_dot_product_attention(tokens, tokens, tokens)
        scores: Tensor = self.head(mixed[:, 0])
        return scores


def test_a_network_without_rules_is_refused_by_name_and_recorded_without_explanation(
    film: Path, tmp_path: Path
) -> None:
    agent = make_agent(network=_Attention())
    with pytest.raises(UnsupportedError, match="scaled_dot_product_attention"):
        record_videos(agent, [film], output=tmp_path / "r")
    assert not (tmp_path / "r").exists()
    assert record_videos(agent, [film], output=tmp_path / "r", explain=False).status == "complete"
