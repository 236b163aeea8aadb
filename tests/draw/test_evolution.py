from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.draw.evolution import (
    MOST_BESIDE,
    EvolutionPage,
    SavedMoment,
    Shown,
    cells,
    scale_of,
)
from inspector.draw.palette import BRIGHT, GROUND, region_colours
from inspector.draw.training import TrainingAxis, TrainingFacts, tick_text
from inspector.draw.training_panel import TrainingPanel, round_ticks, stack_areas
from inspector.records import Region

HEIGHT, WIDTH = 216, 1232
STAGE = slice(60, 480)


def facts_of(frames: list[int], region_count: int = 3, *, played: bool = True) -> TrainingFacts:
    """A smooth course of shares: what is counted and drawn is all that matters here."""
    names = (*(f"region_{number}" for number in range(region_count)), "background")
    rise = np.linspace(0.02, 0.8, len(frames))[:, None] * np.ones(region_count) / region_count
    share = np.concatenate([rise, 1 - rise.sum(1, keepdims=True)], axis=1)
    return TrainingFacts(
        frames=np.array(frames, np.int64),
        names=names,
        share=share,
        low=np.maximum(share - 0.03, 0),
        high=np.minimum(share + 0.03, 1),
        area=np.full(region_count + 1, 1 / (region_count + 1)),
        random=np.full(region_count + 1, 0.3),
        onsets=(frames[-1], *(None,) * region_count),
        early=(False,) * (region_count + 1),
        returns=np.linspace(-21, 20, len(frames)) if played else np.full(len(frames), np.nan),
        title="share of positive relevance, mean of 12 states",
        return_name="mean return (3 games each)",
    )


def test_zero_frames_stand_apart_and_the_rest_is_logarithmic() -> None:
    axis = TrainingAxis([0, 1_000, 10_000, 100_000])
    zero, *places = axis.place([0, 1_000, 10_000, 100_000]).tolist()
    assert zero == 0.0
    assert places[0] == pytest.approx(axis.start) and places[0] > 0.03
    assert places[1] - places[0] == pytest.approx(places[2] - places[1])
    assert places[2] == 1.0


def test_without_zero_frames_the_axis_begins_with_the_first_checkpoint() -> None:
    axis = TrainingAxis([500, 5_000])
    assert not axis.has_zero
    assert axis.place([500, 5_000]).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("frames", [[0, 57_344, 18_000_000], [8_200_000, 9_900_000], [0, 4_000], [1, 10**12], [7, 8]])
@pytest.mark.parametrize("most", [4, 7])
def test_ticks_are_few_and_honest(frames: list[int], most: int) -> None:
    axis = TrainingAxis(frames)
    ticks = axis.ticks(most)
    assert 1 <= len(ticks) - axis.has_zero <= most
    places = [tick.place for tick in ticks]
    assert places == sorted(set(places)) and places[0] >= 0 and places[-1] <= 1
    units = {"k": 1e3, "M": 1e6}
    for tick in ticks:
        number, _, unit = tick.text.partition(" ")
        assert tick.place == pytest.approx(float(axis.place(float(number) * units.get(unit, 1))), abs=1e-3)


def test_round_numbers_of_frames_read_well() -> None:
    assert [tick_text(number) for number in (500, 20_000, 1_500_000)] == ["500", "20 k", "1.5 M"]


@pytest.mark.parametrize(("low", "high"), [(0, 350), (-21, 21), (-21, -19), (0, 0), (0.2, 0.4), (3, 12345)])
def test_the_axis_of_the_return_holds_zero_and_all_values(low: float, high: float) -> None:
    ticks = round_ticks(low, high)
    assert 2 <= len(ticks) <= 6
    assert ticks[0] <= min(low, 0) and ticks[-1] >= max(high, 0)
    assert 0 in ticks


def test_stacked_areas_are_as_high_as_their_shares() -> None:
    colours = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
    picture = stack_areas(np.array([[0.25], [0.5], [0.25]]), 100, colours)
    assert [(picture == colour).all(2).sum() for colour in colours] == [25, 50, 25]
    assert (picture[-1, 0] == colours[0]).all()


def bright_columns(panel: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Columns that are bright over the whole height of the plot."""
    return np.flatnonzero((panel[45:185] == BRIGHT).all(2).mean(0) >= 0.88)


def test_the_cursor_stands_at_the_checkpoint_that_is_shown() -> None:
    facts = facts_of([0, 1_000, 10_000, 100_000])
    drawn = TrainingPanel(facts, HEIGHT, WIDTH)
    panel = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    found = []
    for checkpoint in range(4):
        drawn.draw(panel, checkpoint)
        columns = bright_columns(panel)
        assert columns.mean() == pytest.approx(drawn.column(drawn.place_of(checkpoint)), abs=1)
        found.append(columns.mean())
    assert found == sorted(set(found))


def test_the_numbers_are_those_of_the_checkpoint() -> None:
    facts = facts_of([0, 1_000, 10_000])
    drawn = TrainingPanel(facts, HEIGHT, WIDTH)
    first, last = np.zeros((2, HEIGHT, WIDTH, 3), np.uint8)
    drawn.draw(first, 0, 0.5)
    drawn.draw(last, 2, 0.5)
    assert (first[:, 950:] != last[:, 950:]).any()
    colour = region_colours(facts.names)[0]
    bars = [(panel[40:190, 1050:1160] == colour).all(2).sum() for panel in (first, last)]
    assert bars[1] > 3 * bars[0]


@pytest.mark.parametrize("frames", [[0, 1_000], [1_000, 2_000], [0, *range(1_000, 60_000, 1_000)], [7, 8, 9]])
@pytest.mark.parametrize("region_count", [1, 12])
@pytest.mark.parametrize("played", [True, False])
def test_any_run_has_its_strip(frames: list[int], region_count: int, played: bool) -> None:
    facts = facts_of(frames, region_count, played=played)
    drawn = TrainingPanel(facts, HEIGHT, WIDTH)
    panel = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for checkpoint in (0, len(frames) - 1):
        drawn.draw(panel, checkpoint)
        assert len(bright_columns(panel)) == 3
    edge = np.concatenate([panel[:2].reshape(-1, 3), panel[-2:].reshape(-1, 3), panel[:, -4:].reshape(-1, 3)])
    assert (edge == edge[0]).all(), "nothing is cut off at the edge"


@pytest.mark.parametrize("checkpoint", [0, 1, 2])
def test_a_checkpoint_without_shares_leaves_a_gap_and_says_so(checkpoint: int) -> None:
    """A dead network has no positive relevance in any state."""
    facts = facts_of([0, 1_000, 10_000])
    gap = np.where(np.arange(3)[:, None] == checkpoint, np.nan, facts.share)
    panels = np.zeros((2, HEIGHT, WIDTH, 3), np.uint8)
    for panel, share in zip(panels, (facts.share, gap), strict=True):
        drawn = TrainingPanel(replace(facts, share=share, low=share, high=share), HEIGHT, WIDTH)
        drawn.draw(panel, checkpoint, 0.5)
    column = round(drawn.column(drawn.place_of(checkpoint)))
    ground = [(panel[45:150, column] == GROUND).all(1).mean() for panel in panels]
    assert ground[0] < 0.2 and ground[1] > 0.8
    colours = region_colours(facts.names)
    bars = [sum((panel[40:190, 1050:1160] == colour).all(2).sum() for colour in colours) for panel in panels]
    assert bars[0] > 0 and bars[1] == 0


def test_onsets_that_are_close_stand_beside_each_other() -> None:
    facts = replace(facts_of([1_000, 10_000, 10_100, 100_000]), onsets=(10_000, 10_100, None, None))
    panel = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    TrainingPanel(facts, HEIGHT, WIDTH).draw(panel, 0)
    first, second = region_colours(facts.names)[:2]
    widths = [np.flatnonzero((panel[30, 80:910] == colour).all(1)).size for colour in (first, second)]
    assert min(widths) >= 8


def test_an_onset_that_may_be_older_has_an_arrow_instead_of_a_diamond() -> None:
    facts = replace(facts_of([1_000, 10_000, 100_000]), onsets=(10_000, None, None, None))
    colour = region_colours(facts.names)[0]
    edges = []
    for early in (False, True):
        panel = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        TrainingPanel(replace(facts, early=(early,) * 4), HEIGHT, WIDTH).draw(panel, 0)
        columns = np.nonzero((panel[20:38, 80:910] == colour).all(2))[1]
        edges.append((columns == columns.max()).sum())
    assert edges[0] <= 3 and edges[1] >= 8, "the right edge of an arrow to the left is upright"


@pytest.mark.parametrize("length", [10, 30, 40, 58])
def test_the_words_above_the_strip_make_room_for_those_of_the_return(length: int) -> None:
    facts = replace(facts_of([1_000, 100_000]), onsets=(1_000, 100_000, None, None), early=(True, False, False, False))
    panels = np.zeros((2, HEIGHT, WIDTH, 3), np.uint8)
    for panel, name in zip(panels, ("", "n" * length), strict=True):
        TrainingPanel(replace(facts, return_name=name), HEIGHT, WIDTH).draw(panel, 0)
    bright = (panels[1][5:22] == BRIGHT).all(2).any(0)
    begin = int(np.flatnonzero(bright).min())
    assert (panels[1][5:22, begin - 20 : begin - 4] == panels[1][2, 2]).all()


def test_every_bar_of_the_list_has_its_own_scale() -> None:
    """Beside a background of nine tenths a ball's share of a hundredth would be a pixel."""
    facts = facts_of([1_000, 2_000], 1)
    share = np.array([[0.001, 0.999], [0.01, 0.99]])
    panel = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    small = replace(facts, share=share, low=share, high=share, area=share[0], random=share[0])
    TrainingPanel(small, HEIGHT, WIDTH).draw(panel, 1)
    lit = (panel[40:190, 1080:1180] == region_colours(facts.names)[0]).all(2).any(0)
    assert lit.sum() > 50


def test_onsets_at_the_last_checkpoint_stay_above_the_plot() -> None:
    facts = replace(facts_of([1_000, 100_000]), onsets=(100_000,) * 4)
    panel = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    drawn = TrainingPanel(facts, HEIGHT, WIDTH)
    drawn.draw(panel, 0)
    lit = np.flatnonzero((panel[30] != panel[30, 0]).any(1))
    assert lit.size >= 4 * 8 and lit.max() <= drawn.column(1.0) + 10


def test_a_missing_interval_is_left_out() -> None:
    facts = facts_of([1_000, 2_000])
    nothing = np.full_like(facts.low, np.nan)
    panels = np.zeros((2, HEIGHT, WIDTH, 3), np.uint8)
    for panel, one in zip(panels, (facts, replace(facts, low=nothing, high=nothing)), strict=True):
        TrainingPanel(one, HEIGHT, WIDTH).draw(panel, 1)
    assert (panels[0] != panels[1]).any()


@pytest.mark.parametrize("count", range(1, MOST_BESIDE + 1))
@pytest.mark.parametrize("size", [(420, 480), (420, 420), (84, 84), (270, 480)])
def test_pictures_beside_each_other_neither_overlap_nor_leave_the_stage(count: int, size: tuple[int, int]) -> None:
    taken = np.zeros((720, 1280), int)
    for cell in cells(count, size):
        assert cell.width / cell.height == pytest.approx(size[1] / size[0], rel=0.03)
        taken[cell.y : cell.y + cell.height + 42, cell.x : cell.x + cell.width] += 1
    assert taken.max() == 1
    assert taken[:60].sum() == taken[482:].sum() == taken[:, :24].sum() == taken[:, 1256:].sum() == 0


def page_of(screens: NDArray[np.uint8], full: float = 0.01) -> tuple[EvolutionPage, SavedMoment]:
    """A page of two checkpoints, whose maps lie on the upper and on the lower half."""
    upper = np.zeros((84, 84), np.float32)
    upper[10:20, 20:30] = 0.01
    moment = SavedMoment(screens[8], [()], [upper, -upper[::-1], None], "a moment")
    page = EvolutionPage("Breakout", "facts", facts_of([0, 1_000, 2_000]), (210, 160), (84, 84), full)
    return page, moment


def test_each_checkpoint_has_its_own_overlay(screens: NDArray[np.uint8]) -> None:
    page, moment = page_of(screens, 1e-4)
    pictures = []
    for checkpoint in range(3):
        page.show_large(moment, Shown(checkpoint, "1.0 k frames", "2.0", "LEFT"))
        pictures.append(page.move(checkpoint)[STAGE, 520:1000].astype(int))
    warm, cold, none = ((one[..., 0] - one[..., 2]) for one in pictures)
    assert (warm > 60).sum() > 1000 and (warm < -60).sum() == 0
    assert (cold < -60).sum() > 1000 and (cold > 60).sum() == 0
    assert np.abs(none).max() < 60
    assert (pictures[2] == BRIGHT).all(2).any(), "and where there is no map, the page says so"


def test_one_scale_serves_all_maps() -> None:
    loud, soft = np.zeros((2, 84, 84), np.float32)
    loud[10:40, 10:40], soft[10:40, 10:40] = 3.0, 1.0
    full = scale_of([loud, soft, np.zeros_like(soft)], (210, 160))
    assert scale_of([soft], (210, 160)) < full < scale_of([loud], (210, 160))
    assert scale_of([], (210, 160)) == 1.0


def test_the_marked_checkpoint_alone_has_a_frame(screens: NDArray[np.uint8]) -> None:
    page, moment = page_of(screens)
    shown = [Shown(number, f"{number}.0 k frames", "", "LEFT") for number in range(3)]
    places = cells(3, (420, 480))
    for marked in (0, 2, 1):
        page.show_beside(moment, shown, marked)
        picture = page.move(marked)
        framed = [(picture[cell.y - 3, cell.x : cell.x + cell.width] == BRIGHT).all() for cell in places]
        assert framed == [number == marked for number in range(3)]
    page.show_large(moment, shown[0])
    assert (page.move(0)[57:483, 21:24] == GROUND).all(), "and no frame is left behind"


def test_what_is_explained_stands_under_every_checkpoint_and_no_number_is_cut(screens: NDArray[np.uint8]) -> None:
    page, moment = page_of(screens)
    moment = replace(moment, maps=moment.maps[:1] * MOST_BESIDE)
    pictures = []
    for explained, returns in (("LEFT", "3.0"), ("RIGHTFIRE over LEFTFIRE", "3.0"), ("LEFT", "1293.7")):
        shown = [Shown(number, "12.8 M frames", returns, explained) for number in range(MOST_BESIDE)]
        page.show_beside(moment, shown, 0)
        pictures.append(page.move(0).copy())
    short, long, rich = pictures
    cell = cells(MOST_BESIDE, (420, 480))[3]
    caption = slice(cell.y + cell.height, cell.y + cell.height + 44)
    right, left = slice(cell.x + cell.width - 70, cell.x + cell.width), slice(cell.x, cell.x + 60)
    assert (short[caption, left] != long[caption, left]).any()
    assert (short[caption, right] == long[caption, right]).all(), "the return keeps its place"
    assert (short[caption, right] != rich[caption, right]).any()


def test_the_moment_is_told_and_that_before_is_gone(screens: NDArray[np.uint8]) -> None:
    page, moment = page_of(screens)
    heads = []
    for about in ("moment 1 of 2: a long phase of the game, from play at 205 k frames", "x", "x"):
        page.show_large(replace(moment, about=about), Shown(0, "0 frames", "", "LEFT"))
        heads.append(page.move(0)[36:57, :500].copy())
    assert (heads[1] == heads[2]).all() and (heads[1][:, 60:] == GROUND).all() and (heads[0] != GROUND).sum() > 500


@pytest.mark.parametrize("length", [1, 40, 400])
def test_long_names_leave_the_title_and_the_page_whole(screens: NDArray[np.uint8], length: int) -> None:
    facts = facts_of([0, 1_000])
    name = "W" * length
    page = EvolutionPage(f"Video Pinball {name}", f"series {name}", facts, (210, 160), (84, 84), 1.0)
    picture = page.move(0)
    assert (picture[:56, :24] == GROUND).all() and (picture[:56, 1257:] == GROUND).all()
    assert (picture[8:34, 24:200] == BRIGHT).all(2).sum() > 200, "the title is there"
    gaps = (picture[8:34, 24:1256] == GROUND).all((0, 2))
    assert "1" * 24 in "".join(map(str, gaps.astype(int))), "and does not run into the facts"


def test_where_a_region_was_before_is_fainter(screens: NDArray[np.uint8]) -> None:
    colour = region_colours(["region_0"])[0]
    before, now = (Region("region_0", ((x, 100.0, 10.0, 10.0),)) for x in (40.0, 90.0))
    page, moment = page_of(screens)
    page.show_large(replace(moment, regions=[(before,), (now,)]), Shown(0, "1.0 k frames", "", "LEFT"))
    overlay = page.move(0)[STAGE, 520:1000]
    columns = np.nonzero((overlay == colour).all(2))[1]
    assert columns.min() > 260 and columns.max() < 310
    older = overlay[195:225, 115:155].astype(int)
    assert (older[..., 1] > 120).sum() > 20 and older.max() < 190
