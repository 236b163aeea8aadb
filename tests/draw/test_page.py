"""The page as a whole: what is where, what changes when, and one golden picture."""

import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.draw.layout import Rect
from inspector.draw.overlay import quiet
from inspector.draw.page import Moment, Page, PageFacts
from inspector.draw.palette import ACCENT, BRIGHT, GROUND, QUIET, frame_colours
from inspector.errors import UsageError

GOLDEN = Path(__file__).parent / "golden" / "breakout.png"
DIRECTIONS = "UP RIGHT LEFT DOWN UPRIGHT UPLEFT DOWNRIGHT DOWNLEFT".split()
EIGHTEEN = ("NOOP", "FIRE", *DIRECTIONS, *(f"{direction}FIRE" for direction in DIRECTIONS))


def overlay_of(page: Page, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    assert page.layout.overlay is not None
    return page.layout.overlay.of(picture)


def inside(rects: list[Rect]) -> NDArray[np.bool_]:
    mask = np.zeros((720, 1280), bool)
    for rect in rects:
        mask[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] = True
    return mask


def test_the_page_is_a_picture_of_its_size(page: Page, last: Moment) -> None:
    page.begin(last)
    picture = page.frame(last.screen, 2.0)
    assert picture.shape == (720, 1280, 3)
    assert picture.dtype == np.uint8


def test_the_players_screen_is_sharp(page: Page, last: Moment) -> None:
    shown = page.layout.screen.of(page.frame(last.screen, 2.0))
    assert np.array_equal(shown, last.screen.repeat(2, axis=0).repeat(3, axis=1))


def test_the_overlay_lies_on_the_screen_decided_on_and_holds(page: Page, last: Moment, moments: list[Moment]) -> None:
    page.begin(replace(last, relevance=np.zeros((4, 84, 84), np.float32)))
    first = overlay_of(page, page.frame(last.screen, 2.0)).copy()
    second = overlay_of(page, page.frame(moments[3].screen, 2.03))
    expected = quiet(last.screen).repeat(2, axis=0).repeat(3, axis=1)
    assert np.array_equal(first[:180], expected[:180])
    assert np.array_equal(first, second)


def test_one_relevant_pixel_lights_its_own_place_on_the_quiet_screen(page: Page, last: Moment) -> None:
    relevance = np.zeros((4, 84, 84), np.float32)
    relevance[2, 30, 50] = 1
    page.begin(replace(last, relevance=relevance))
    shown = overlay_of(page, page.frame(last.screen, 2.0))
    expected = quiet(last.screen).repeat(2, axis=0).repeat(3, axis=1)
    rows, columns = np.nonzero((shown != expected).any(axis=2))
    assert (rows.min(), rows.max()) == (75 * 2, 78 * 2 - 1)
    assert (columns.min(), columns.max()) == (95 * 3, 98 * 3 - 1)


def test_a_quiet_decision_is_darker_than_a_loud_one(page: Page, last: Moment) -> None:
    assert last.relevance is not None
    shown = []
    for factor in (1.0, 0.05):
        page.begin(replace(last, relevance=last.relevance * np.float32(factor)))
        plain = quiet(last.screen).repeat(2, axis=0).repeat(3, axis=1).astype(int)
        shown.append(np.abs(overlay_of(page, page.frame(last.screen, 2.0)) - plain).sum())
    assert shown[1] < 0.4 * shown[0]


def test_a_frame_changes_only_the_screen_and_the_clock(page: Page, last: Moment, moments: list[Moment]) -> None:
    page.begin(last)
    before = page.frame(last.screen, 2.0).copy()
    changed = (page.frame(moments[0].screen, 61.7) != before).any(axis=2)
    figures = page.layout.figures
    clock = Rect(figures.x + 160, figures.y, figures.width - 160, figures.height)
    assert changed[inside([page.layout.screen])].any()
    assert changed[inside([clock])].any()
    assert not changed[~inside([page.layout.screen, clock])].any()


@pytest.mark.parametrize("explain", [True, False])
@pytest.mark.parametrize("output", ["logits", "q_values"])
@pytest.mark.parametrize("names", [EIGHTEEN, EIGHTEEN[:3]])
def test_nothing_is_drawn_outside_its_place(
    facts: PageFacts, moments: list[Moment], explain: bool, output: str, names: tuple[str, ...]
) -> None:
    long = "a line that goes on and on " * 8
    page = Page(
        replace(facts, title=long, subtitle=(long,), action_names=names, output=output, explain=explain, line_name=long)  # type: ignore[arg-type]
    )
    scores = np.linspace(-900.5, 1234.5, len(names)).astype(np.float32)
    for moment in moments:
        page.begin(replace(moment, scores=scores, target_name=long, return_so_far=-12345, lives=12, in_picture=-3e9))
        picture = page.frame(moment.screen, 3599.9)
    layout = page.layout
    all_places = [layout.screen, layout.bars, layout.timeline, layout.header, layout.figures]
    all_places += [rect for rect in (layout.overlay, layout.captions, layout.maps) if rect is not None]
    assert (picture[~inside(all_places)] == GROUND).all()


@pytest.mark.parametrize("action", range(4))
def test_the_action_taken_is_the_one_in_the_accent(page: Page, last: Moment, action: int) -> None:
    page.begin(replace(last, action=action, target_action=None, target_name="the value"))
    picture = page.frame(last.screen, 2.0)
    rows, columns = np.nonzero((picture == ACCENT).all(axis=2))
    bars = page.layout.bars
    assert columns.min() >= bars.x
    assert rows.min() > bars.y + 36 + action * 64
    assert rows.max() < bars.y + 44 + action * 72 + 72


@pytest.mark.parametrize(
    ("relevance", "finite"),
    [(None, True), (np.full((4, 84, 84), np.nan, np.float32), False), (np.zeros((4, 84, 84), np.float32), True)],
)
def test_a_decision_without_a_map_says_so(
    page: Page, last: Moment, relevance: NDArray[np.float32] | None, finite: bool
) -> None:
    page.begin(replace(last, relevance=relevance, finite=finite, frame_shares=None))
    shown = overlay_of(page, page.frame(last.screen, 2.0))
    plain = quiet(last.screen).repeat(2, axis=0).repeat(3, axis=1)
    rows = np.nonzero((shown != plain).any(axis=(1, 2)))[0]
    assert shown[rows].max() > 220
    assert rows.min() > 150
    assert rows.max() < 270


def test_the_three_reasons_for_no_map_read_differently(page: Page, last: Moment) -> None:
    shown = set()
    maps = (None, np.full((4, 84, 84), np.nan, np.float32), np.zeros((4, 84, 84), np.float32))
    for relevance in maps:
        page.begin(replace(last, relevance=relevance))
        shown.add(overlay_of(page, page.frame(last.screen, 2.0)).tobytes())
    assert len(shown) == 3


@pytest.mark.parametrize("stack", [1, 2, 12])
def test_any_stack_has_its_page(facts: PageFacts, last: Moment, stack: int) -> None:
    inputs = np.resize(last.network_input, (stack, 84, 84))
    shares = np.full(stack, 1 / stack)
    page = Page(replace(facts, stack=stack))
    page.begin(replace(last, network_input=inputs, relevance=inputs, frame_shares=shares))
    plain = quiet(last.screen).repeat(2, axis=0).repeat(3, axis=1)
    assert (overlay_of(page, page.frame(last.screen, 0.0)) != plain).any()


@pytest.mark.parametrize("size", [(250, 160), (84, 84), (480, 640), (400, 600), (1080, 1920)])
@pytest.mark.parametrize("explain", [True, False])
def test_any_screen_has_its_page(facts: PageFacts, last: Moment, size: tuple[int, int], explain: bool) -> None:
    screen = cv2.resize(last.screen, size[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8)
    page = Page(replace(facts, explain=explain), *size)
    page.begin(replace(last, screen=screen))
    shown = page.layout.screen.of(page.frame(screen, 0.0))
    assert shown.mean() == pytest.approx(screen.mean(), rel=0.05)


def test_a_screen_of_another_size_is_refused(page: Page, last: Moment) -> None:
    with pytest.raises(UsageError, match=r"a screen is \(84, 84, 3\), the page was made for \(210, 160, 3\)"):
        page.frame(last.screen[:84, :84], 0.0)


@pytest.mark.parametrize("size", [(84, 84), (210, 160)])
def test_equal_relevance_looks_equal_on_the_overlay_and_on_a_small_map(
    facts: PageFacts, last: Moment, size: tuple[int, int]
) -> None:
    """On a black screen, with another place where two frames add up to more than any one frame has."""
    page, screen = Page(facts, *size), np.zeros((*size, 3), np.uint8)
    relevance = np.zeros((4, 84, 84), np.float32)
    relevance[:2, 5:20, 60:75] = 1
    relevance[3, 50:70, 20:40] = 0.5
    page.begin(replace(last, screen=screen, network_input=np.zeros_like(relevance), relevance=relevance))
    picture = page.frame(screen, 0.0)
    overlay, maps = overlay_of(page, picture), page.layout.maps
    assert maps is not None
    colour = overlay[len(overlay) * 60 // 84, overlay.shape[1] * 30 // 84].astype(int)
    assert colour[0] > 80
    assert (np.abs(maps.of(picture) - colour).max(axis=2) <= 2).sum() > 300


def test_frames_that_are_not_told_apart_have_no_shares_but_a_reason(facts: PageFacts, moments: list[Moment]) -> None:
    pages = [Page(replace(facts, frames_told_apart=told)) for told in (True, False)]
    pictures = []
    for page in pages:
        for moment in moments:
            page.begin(moment)
        pictures.append(page.frame(moments[-1].screen, 0.0).copy())
    timeline, maps = pages[0].layout.timeline, pages[0].layout.maps
    assert maps is not None
    strips = [timeline.of(picture) for picture in pictures]
    areas = [sum((strip == colour).all(axis=2).sum() for colour in frame_colours(4)) for strip in strips]
    assert areas[0] > 1000
    assert areas[1] == 0
    assert (strips[1][8:26, 64:560] == QUIET).all(axis=2).any()
    figures = [(maps.of(picture) == BRIGHT).all(axis=2).sum() for picture in pictures]
    assert figures[0] > 20 > figures[1]


def test_frames_that_are_not_told_apart_leave_regions_alone(facts: PageFacts, last: Moment) -> None:
    regions = (("ball", (190, 228, 140)), ("background", (62, 71, 84)))
    strips = []
    for told in (True, False):
        page = Page(replace(facts, regions=regions, frames_told_apart=told))
        page.begin(replace(last, region_shares=np.array([0.5, 0.5])))
        strips.append(page.layout.timeline.of(page.frame(last.screen, 0.0)).copy())
    assert np.array_equal(strips[0], strips[1])


def test_an_unknown_return_is_a_dash_and_no_number(page: Page, last: Moment) -> None:
    shown = []
    for so_far in (None, 0.0, 1.0):
        page.begin(replace(last, return_so_far=so_far))
        figures = page.layout.figures.of(page.frame(last.screen, 2.0))
        rows, columns = np.nonzero((figures[28:, :104] == BRIGHT).all(axis=2))
        shown.append((int(np.ptp(rows)), int(columns.min())))
    assert shown[0][0] < 5 < shown[1][0]
    assert shown[1][0] == pytest.approx(shown[2][0], abs=1)


@pytest.mark.parametrize(("in_picture", "finite"), [(None, True), (0.4, False)])
def test_the_part_of_the_score_is_shown_only_where_it_is_known(
    page: Page, last: Moment, in_picture: float | None, finite: bool
) -> None:
    captions = page.layout.captions
    assert captions is not None
    page.begin(replace(last, in_picture=0.4))
    known = captions.of(page.frame(last.screen, 2.0)).copy()
    page.begin(replace(last, in_picture=in_picture, finite=finite))
    unknown = captions.of(page.frame(last.screen, 2.0))
    assert (known[24:] == QUIET).all(axis=2).any()
    assert not (unknown[24:] == QUIET).all(axis=2).any()


def test_regions_take_the_place_of_frames_on_the_timeline(facts: PageFacts, moments: list[Moment]) -> None:
    regions = (("ball", (190, 228, 140)), ("background", (62, 71, 84)))
    page = Page(replace(facts, regions=regions))
    for moment in moments:
        page.begin(replace(moment, region_shares=np.array([0.5, 0.5])))
    strip = page.layout.timeline.of(page.frame(moments[-1].screen, 0.0))
    columns = 4 * len(moments)
    for _, colour in regions:
        assert (strip == colour).all(axis=2).sum() > 15 * columns


def golden_page(facts: PageFacts, moments: list[Moment]) -> NDArray[np.uint8]:
    page = Page(facts)
    for index, moment in enumerate(moments):
        page.begin(moment)
        picture = page.frame(moment.screen, index / 15)
    return np.asarray(cv2.resize(picture, (640, 360), interpolation=cv2.INTER_AREA), np.uint8)


def read_golden() -> NDArray[np.int_]:
    stored = cv2.imread(str(GOLDEN))
    assert stored is not None
    return np.asarray(stored[..., ::-1], np.int_)


def test_the_page_looks_as_it_was_last_approved(facts: PageFacts, moments: list[Moment]) -> None:
    """A page that a person has looked at, at half its size; a change of the look is meant, and changes this file."""
    digest = hashlib.sha256(moments[-1].screen.tobytes()).hexdigest()[:16]
    assert digest == "00a048e8478e7974", "the game shows other screens than the golden picture was made from"
    approved = read_golden()
    assert np.abs(golden_page(facts, moments) - approved).mean() < 0.2


def test_the_golden_comparison_notices_another_action(facts: PageFacts, moments: list[Moment]) -> None:
    approved = read_golden()
    other = [*moments[:-1], replace(moments[-1], action=3)]
    assert np.abs(golden_page(facts, other) - approved).mean() > 0.2
