"""The page of a video as a whole: what is where, what it says, and one golden picture."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.draw.clip_page import ClipMoment, ClipPage
from inspector.draw.layout import Rect
from inspector.draw.overlay import quiet
from inspector.draw.palette import ACCENT, AGAINST, BRIGHT, FOR, GROUND, QUIET
from inspector.errors import UsageError
from tests.draw.clip_moments import FRAMES, clip_facts, clip_frames, clip_moments

GOLDEN = Path(__file__).parent / "golden" / "clip.png"


@pytest.fixture(scope="module")
def moments() -> list[ClipMoment]:
    return clip_moments()


def overlay_of(page: ClipPage, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    assert page.layout.overlay is not None
    return page.layout.overlay.of(picture)


def places(page: ClipPage) -> list[Rect]:
    layout = page.layout
    rects = [layout.screen_stage, layout.overlay_stage, layout.captions, layout.bars, layout.positions]
    return [rect for rect in (*rects, layout.timeline, layout.header, layout.figures) if rect is not None]


def inside(rects: list[Rect]) -> NDArray[np.bool_]:
    mask = np.zeros((720, 1280), bool)
    for rect in rects:
        mask[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] = True
    return mask


def has(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> bool:
    return bool((picture == colour).all(axis=2).any())


def test_the_page_is_one_picture_that_is_drawn_in_place(moments: list[ClipMoment]) -> None:
    page = ClipPage(clip_facts())
    first, second = page.draw(moments[0]), page.draw(moments[1])
    assert first is second
    assert (first.shape, first.dtype) == ((720, 1280, 3), np.uint8)


def test_a_small_video_is_enlarged_sharply(moments: list[ClipMoment]) -> None:
    page = ClipPage(clip_facts())
    shown = page.layout.screen.of(page.draw(moments[3]))
    assert np.array_equal(shown, moments[3].screen.repeat(5, axis=0).repeat(5, axis=1))


@pytest.mark.parametrize("size", [(1080, 1920), (64, 64), (1920, 1080), (7, 5), (16, 4096), (240, 320), (1, 1)])
@pytest.mark.parametrize("explain", [True, False])
def test_a_frame_may_be_brought_to_its_size_before(size: tuple[int, int], explain: bool) -> None:
    """Any size: whether the page shrinks the frame or its caller did, the page is the same."""
    height, width = size
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    facts = clip_facts(screen_size=size, box=(0.0, 0.0, float(width), float(height)), explain=explain)
    pages = [ClipPage(facts), ClipPage(facts)]
    shown = pages[0].shown_size
    method = cv2.INTER_NEAREST_EXACT if shown[0] > height else cv2.INTER_AREA
    brought = np.asarray(cv2.resize(frame, shown[::-1], interpolation=method), np.uint8)
    relevance = np.random.default_rng(1).normal(size=(8, 8)).astype(np.float32)
    moment = replace(clip_moments()[0], screen=frame, relevance=relevance)
    pictures = [page.draw(replace(moment, screen=screen)) for page, screen in zip(pages, (frame, brought), strict=True)]
    assert np.array_equal(*pictures)
    assert np.array_equal(pages[0].layout.screen.of(pictures[0]), brought)


def test_relevance_lies_where_the_network_saw_it_and_nowhere_else(moments: list[ClipMoment]) -> None:
    """A 4x4 network input of the middle half of the frame: 32 of 64 pixels, 8 pixels each."""
    page, relevance = ClipPage(clip_facts(box=(16.0, 16.0, 32.0, 32.0))), np.zeros((4, 4), np.float32)
    relevance[1, 2] = 1
    picture = page.draw(replace(moments[0], relevance=relevance))
    shown, bare = overlay_of(page, picture), quiet(page.layout.screen.of(picture))
    rows, columns = np.nonzero((shown[80:240, 80:240] != bare[80:240, 80:240]).any(axis=2))
    assert (rows.min() + 80, rows.max() + 80) == ((16 + 8) * 5, (16 + 16) * 5 - 1)
    assert (columns.min() + 80, columns.max() + 80) == ((16 + 16) * 5, (16 + 24) * 5 - 1)


def test_what_the_network_does_not_see_is_dim_behind_a_hairline(moments: list[ClipMoment]) -> None:
    page = ClipPage(clip_facts(box=(8.0, 0.0, 48.0, 64.0)))
    picture = page.draw(replace(moments[0], relevance=None))
    shown, bare = overlay_of(page, picture).astype(int), quiet(page.layout.screen.of(picture)).astype(int)
    top = slice(0, 60)  # above the notice
    assert np.array_equal(shown[top, :39], bare[top, :39] // 2)
    assert np.array_equal(shown[top, 40:280], bare[top, 40:280])
    assert np.array_equal(shown[top, 281:], bare[top, 281:] // 2)
    assert (shown[top, 39] > 110).all() and (shown[top, 280] > 110).all()


def test_a_frame_that_is_seen_whole_has_no_hairline(moments: list[ClipMoment]) -> None:
    page = ClipPage(clip_facts())
    picture = page.draw(replace(moments[0], relevance=None))
    assert np.array_equal(overlay_of(page, picture)[:60], quiet(page.layout.screen.of(picture))[:60])


@pytest.mark.parametrize(("number", "brightness"), [(10, 0.1), (11, 0.02)])
def test_a_dimmed_map_is_darker(moments: list[ClipMoment], number: int, brightness: float) -> None:
    strengths = []
    for level in (1.0, brightness):
        page = ClipPage(clip_facts())
        picture = page.draw(replace(moments[number], brightness=level))
        bare = quiet(page.layout.screen.of(picture)).astype(int)
        strengths.append(np.abs(overlay_of(page, picture) - bare).sum())
    assert strengths[1] < 0.5 * strengths[0]


@pytest.mark.parametrize(
    ("relevance", "finite"),
    [
        (None, True),
        (None, False),
        (np.full((64, 64), np.nan, np.float32), False),
        (np.zeros((64, 64), np.float32), True),
    ],
)
@pytest.mark.parametrize("width", [64, 3])
def test_a_frame_without_a_map_says_so_on_its_stage(
    moments: list[ClipMoment], relevance: NDArray[np.float32] | None, finite: bool, width: int
) -> None:
    """Across the stage, so that there is room for words however narrow the video is; gone with the next frame."""
    page = ClipPage(clip_facts(screen_size=(64, width), box=(0.0, 0.0, float(width), 64.0)))
    screens = [np.ascontiguousarray(moment.screen[:, :width]) for moment in moments[:2]]
    stage = page.layout.overlay_stage
    assert stage is not None
    page.draw(replace(moments[0], screen=screens[0], relevance=relevance, finite=finite))
    assert has(stage.of(page.draw(replace(moments[0], screen=screens[0], relevance=relevance, finite=finite))), BRIGHT)
    assert not has(stage.of(page.draw(replace(moments[1], screen=screens[1]))), BRIGHT)


@pytest.mark.parametrize("explain", [True, False])
@pytest.mark.parametrize("classes", [1, 8, 400])
@pytest.mark.parametrize("size", [(64, 64), (90, 160), (1000, 20)])
@pytest.mark.parametrize("frames", [1, 300])
def test_nothing_is_drawn_outside_its_place(explain: bool, classes: int, size: tuple[int, int], frames: int) -> None:
    long = "a line that goes on and on " * 8
    names = tuple(f"{index} {long}" for index in range(classes))
    box = (0.0, 0.0, float(size[1]), float(size[0]))
    page = ClipPage(
        clip_facts(
            title=long, subtitle=(long,), class_names=names, screen_size=size, box=box, explain=explain, frames=frames
        )
    )
    rng = np.random.default_rng(0)
    for index in (0, 20, FRAMES - 1):
        picture = page.draw(
            ClipMoment(
                screen=rng.integers(0, 256, (*size, 3), dtype=np.uint8),
                number=index,
                seconds=4000.0 * index,
                probabilities=rng.dirichlet(np.ones(classes)),
                recognised=0,
                target=classes - 1,
                target_name=long,
                relevance=1e9 * rng.normal(size=(16, 16)).astype(np.float32),
                windows=1234,
                spread=1e12,
                in_picture=-3e9,
                positions=rng.dirichlet(np.ones(frames)),
            )
        )
    assert (picture[~inside(places(page))] == GROUND).all()


@pytest.mark.parametrize("recognised", range(8))
def test_the_class_recognised_is_the_one_in_the_accent(moments: list[ClipMoment], recognised: int) -> None:
    page = ClipPage(clip_facts())
    picture = page.draw(replace(moments[0], recognised=recognised, target=None, target_name="each window's own class"))
    rows, columns = np.nonzero((picture == ACCENT).all(axis=2))
    bars = page.layout.bars
    assert columns.min() >= bars.x
    assert bars.y + 38 + recognised * 43 < rows.min() < rows.max() < bars.y + 38 + (recognised + 1) * 43


def test_the_caption_has_the_accent_only_where_the_class_recognised_is_explained(moments: list[ClipMoment]) -> None:
    page = ClipPage(clip_facts())
    captions = page.layout.captions
    assert has(captions.of(page.draw(moments[0])), ACCENT)
    assert not has(captions.of(page.draw(replace(moments[1], target=2, target_name="down"))), ACCENT)


def caption_of(moment: ClipMoment) -> NDArray[np.uint8]:
    page = ClipPage(clip_facts())
    caption = page.layout.captions
    return caption.of(page.draw(moment))[24:, 480:800].copy()


def test_the_caption_tells_one_window_from_many_and_a_part_from_none(moments: list[ClipMoment]) -> None:
    many = replace(moments[20], windows=2)
    lines = [many, replace(many, windows=1), replace(many, in_picture=0.77), replace(many, in_picture=None)]
    assert len({caption_of(moment).tobytes() for moment in lines}) == 4
    assert has(caption_of(many), QUIET)
    assert not has(caption_of(lines[3]), QUIET)


def test_a_frame_without_a_map_claims_no_part_of_the_score(moments: list[ClipMoment]) -> None:
    assert not caption_of(replace(moments[20], relevance=None)).astype(int).max() > 60
    assert not has(caption_of(replace(moments[20], finite=False)), QUIET)


def test_a_page_that_explains_nothing_gives_its_room_to_the_video(moments: list[ClipMoment]) -> None:
    plain, explained = ClipPage(clip_facts(explain=False)), ClipPage(clip_facts())
    picture = plain.draw(moments[10])
    assert plain.layout.account()["overlay"] is None
    assert plain.layout.screen.height > explained.layout.screen.height
    assert not has(picture, FOR) and not has(picture, AGAINST)


def test_the_account_says_where_the_pictures_stand(moments: list[ClipMoment]) -> None:
    page = ClipPage(clip_facts())
    page.draw(moments[0])
    account = page.layout.account()
    assert account["native"] == [64, 64]
    assert account["screen"] == [96, 60, 320, 320]
    assert account["overlay"] == [576, 60, 320, 320]


def test_a_video_of_one_frame_has_its_page(moments: list[ClipMoment]) -> None:
    facts = clip_facts(frame_count=1, seconds=0.04, frames=1)
    page = ClipPage(facts)
    picture = page.draw(replace(moments[0], positions=np.ones(1), windows=1))
    strip = page.layout.timeline.of(picture)
    assert (strip == FOR).all(axis=2).any(axis=0).sum() > 800


def test_a_video_of_unknown_length_has_its_page(moments: list[ClipMoment]) -> None:
    page = ClipPage(clip_facts(seconds=0.0))
    for moment in moments:
        picture = page.draw(moment)
    filled = (page.layout.timeline.of(picture) == FOR).all(axis=2).any(axis=0)
    assert filled[100:900].mean() > 0.8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"screen": np.zeros((32, 64, 3), np.uint8)}, r"a frame is \(32, 64, 3\), the page was made for \(64, 64, 3\)"),
        ({"probabilities": np.ones(3)}, r"probabilities are \(3,\) where \(8,\) is expected"),
        ({"positions": np.ones(8)}, r"positions are \(8,\) where \(16,\) is expected"),
    ],
)
def test_what_does_not_fit_the_page_is_refused(moments: list[ClipMoment], change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ClipPage(clip_facts()).draw(replace(moments[0], **change))


def test_sensitivity_has_no_sign(moments: list[ClipMoment]) -> None:
    page = ClipPage(clip_facts(measure="sensitivity"))
    relevance = moments[10].relevance
    assert relevance is not None
    for number in (10, 11):
        picture = page.draw(replace(moments[number], relevance=relevance**2, in_picture=None))
    assert not has(picture, AGAINST)
    assert (page.layout.timeline.of(picture) == FOR).all(axis=2).sum() > 500


def golden_page(moments: list[ClipMoment]) -> NDArray[np.uint8]:
    page = ClipPage(clip_facts(box=(8.0, 8.0, 48.0, 48.0)))
    for moment in moments[:30]:
        assert moment.relevance is not None
        picture = page.draw(replace(moment, relevance=moment.relevance[8:56, 8:56]))
    return np.asarray(cv2.resize(picture, (640, 360), interpolation=cv2.INTER_AREA), np.uint8)


def read_golden() -> NDArray[np.int_]:
    stored = cv2.imread(str(GOLDEN))
    assert stored is not None
    return np.asarray(stored[..., ::-1], np.int_)


def test_the_page_looks_as_it_was_last_approved(moments: list[ClipMoment]) -> None:
    """A page that a person has looked at, at half its size; a change of the look is meant, and changes this file."""
    assert np.abs(golden_page(moments) - read_golden()).mean() < 0.2


def test_the_golden_comparison_notices_another_class(moments: list[ClipMoment]) -> None:
    other = [*moments[:29], replace(moments[29], recognised=6)]
    assert np.abs(golden_page(other) - read_golden()).mean() > 0.2


def test_frames_are_independent_of_what_was_drawn_before_them(moments: list[ClipMoment]) -> None:
    """All but the timeline, the scale and the positions: no trace of an earlier frame's words stays."""
    once, late = ClipPage(clip_facts()), ClipPage(clip_facts())
    late.draw(replace(moments[0], target_name="a very long name of a class that was explained before"))
    pictures = once.draw(moments[1]).copy(), late.draw(moments[1])
    for rect in (once.layout.bars, once.layout.captions, once.layout.figures, once.layout.header):
        assert np.array_equal(*(rect.of(picture) for picture in pictures))


def test_the_frames_of_the_small_video_differ() -> None:
    assert len({frame.tobytes() for frame in clip_frames()}) > FRAMES // 2
