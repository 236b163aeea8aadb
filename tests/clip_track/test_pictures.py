"""What a track of clips shows: curves, film and report."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.clip_track.figure import FIGURE_NAMES, draw_positions
from inspector.clip_track.film import ROUNDS, Shot, film_clips, script_of
from inspector.clip_track.film_clips import choose_clips, explained_clips
from inspector.clip_track.report_words import DEFINITIONS, LIMITS, clip_sections
from inspector.clip_track.tracker import ClipTrack
from inspector.errors import InspectorError
from inspector.film import read_facts
from inspector.track.evolution import FPS
from inspector.track.figure import draw_figure
from inspector.track.report import Chapter, page_html, report_data
from tests.clip_track.tiny import CLASSES, TinyMember


class Gone(TinyMember):
    """A checkpoint whose file has gone."""

    def load(self, device: str = "cpu") -> None:  # type: ignore[override]
        raise InspectorError("the file has gone")


def test_the_curves_of_both_kinds_are_drawn_and_the_same_each_time(found: ClipTrack, tmp_path: Path) -> None:
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        draw_figure(found, folder)
        draw_positions(found, folder)
    for name in ("attention.png", "attention.svg", *FIGURE_NAMES):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    curves = (tmp_path / "a" / "attention.svg").read_text()
    assert ">moving<" in curves and ">accuracy<" in curves and "clips trained (logarithmic" in curves
    assert "mean of the clips" in curves and "the same 12 clips of 6 videos" in curves
    assert "frames" not in curves and "return" not in curves and "states" not in curves
    positions = (tmp_path / "a" / "positions.svg").read_text()
    assert "position in the clip (first frame 0)" in positions and "border to centre" in positions
    assert cv2.imread(str(tmp_path / "a" / "positions.png")).shape == (1000, 1600, 3)


def test_positions_are_drawn_of_clips_without_a_border_and_without_relevance(found: ClipTrack, tmp_path: Path) -> None:
    one = found.series[0]
    gap = np.where(np.arange(3)[:, None] == 1, np.nan, one.stacked[0].share)
    broken = replace(one, stacked=(replace(one.stacked[0], share=gap, low=gap, high=gap), one.stacked[1]))
    draw_positions(replace(found, series=(broken,), borders=((None, None),)), tmp_path)
    assert "border" not in (tmp_path / "positions.svg").read_text()


def test_each_clip_plays_beside_and_then_under_every_checkpoint_alone() -> None:
    script = script_of(2, 4, 3)
    assert script.beside == (0, 1, 2)
    assert len(script.shots) == 2 * (ROUNDS * 4 + 3 * 4)
    first = script.shots[: ROUNDS * 4]
    assert [shot.frame for shot in first] == [0, 1, 2, 3] * ROUNDS
    assert [shot.checkpoint for shot in first] == [0] * 4 + [1] * 4 + [2] * 4
    assert script.shots[ROUNDS * 4 : ROUNDS * 4 + 5] == (
        *(Shot(0, at, 0, True) for at in range(4)),
        Shot(0, 0, 1, True),
    )
    assert script.shots[len(script.shots) // 2].clip == 1


def test_a_chapter_is_a_checkpoint_shown_without_a_break() -> None:
    script = script_of(2, 4, 3)
    chapters = script.chapters([0, 500, 1000])
    assert [chapter.frames for chapter in chapters] == [0, 500, 1000] * 4
    assert chapters[0].start == 0 and chapters[-1].end == pytest.approx(len(script.shots) * script.hold / FPS)
    assert all(one.end == pytest.approx(other.start) for one, other in pairwise(chapters))


def test_the_clips_shown_are_of_different_classes_and_have_relevance(found: ClipTrack) -> None:
    chosen = choose_clips(found, 3)
    assert found.probe.targets[chosen].tolist() == [0, 1, 2]
    loud = replace(found, loudness=np.where(np.arange(12) == chosen[0] ^ 1, 1e9, found.loudness))
    assert choose_clips(loud, 3)[0] == chosen[0] ^ 1  # its neighbour, of the same video
    assert len(set(choose_clips(found, 5))) == 5 and len(choose_clips(found, 100)) == 12


def test_maps_of_a_clip_are_parts_of_all_its_relevance(found: ClipTrack) -> None:
    (clip,) = explained_clips(found, [2])
    assert len(clip.maps) == 3 and clip.explained == CLASSES[found.probe.targets[2]]
    assert all(np.abs(one).sum() == pytest.approx(1, rel=1e-4) for one in clip.maps if one is not None and one.any())
    assert np.array_equal(clip.frames, found.probe.clips[2])
    assert clip.about == f"{clip.explained}, 1.mp4 from frame {found.probe.starts[2]}"


def test_the_film_has_the_length_of_its_script(
    found: ClipTrack, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = found.series[0]
    members = list(one.source.members)
    members[1] = Gone(members[1].source, members[1].which, members[1].checkpoint)
    broken = replace(found, series=(replace(one, source=replace(one.source, members=tuple(members))),))
    said: list[str] = []
    path, chapters = film_clips(
        broken, tmp_path, lambda part, progress: said.append(f"{part} {progress.done}"), count=1
    )
    assert "tiny at 1.0 k clips has no overlay in the film: the file has gone" in caplog.text
    facts = read_facts(path)
    assert facts.frame_count == pytest.approx(chapters[-1].end * FPS)
    assert said[:3] == ["clips 1", "clips 2", "clips 3"] and "film 1" in said
    members = [Gone(member.source, member.which, member.checkpoint) for member in members]
    gone = replace(found, series=(replace(one, source=replace(one.source, members=tuple(members))),))
    with pytest.raises(InspectorError, match="no checkpoint of tiny can be explained for the film"):
        film_clips(gone, tmp_path)


def test_the_report_speaks_of_clips(found: ClipTrack) -> None:
    page = page_html(found, clip_sections(found), b"", [Chapter(0, 0.0, 1.0)])
    for text in (*DEFINITIONS, "Border to centre", "12 of 12 clips", "6 of 6 videos", "95 of 100 untrained networks"):
        assert text in page
    assert LIMITS[3].format(networks=3) in page
    assert "Accuracy on these clips" in page and "Own games" not in page and "emulator" not in page


def test_the_page_draws_positions_from_the_numbers_of_the_track(found: ClipTrack) -> None:
    data = report_data(found)
    (one,) = data["series"]
    assert [region["name"] for region in data["regions"]] == ["moving", "background"]
    assert data["sources"] == {"probe": "the same clips for all"} and data["terms"]["unit"] == "clips"
    assert np.shape(one["stacked"][0]["share"]) == (3, 8)
    assert np.sum(one["stacked"][0]["share"], axis=1) == pytest.approx(np.ones(3), abs=1e-3)
    by_region = np.array(one["numbers"][0]["probe"][2]["stacked"])
    assert by_region.sum(0) == pytest.approx(one["stacked"][0]["share"][2], abs=1e-4)
    assert np.shape(one["ends"]) == (3, 2)
