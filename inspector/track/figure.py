"""The curve: share of every region over training, one panel a region, and the return of own games beside them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspector.draw import palette
from inspector.draw.training import TrainingAxis
from inspector.regions import BACKGROUND
from inspector.track.figure_look import (
    DASHED,
    DOTTED,
    THICK,
    THIN,
    draw_head,
    draw_legend,
    grid_of,
    new_figure,
    percent,
    rgb,
)
from inspector.track.found import Found, Series
from inspector.track.measures import Onset
from inspector.track.names import onset_words
from inspector.track.result import Curve
from inspector.track.terms import Terms
from inspector.track.words import played_text, spoken

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIGURE_NAMES = ("attention.png", "attention.svg")
_INCHES = 16.0, 10.0
_NULL = 1.1
_HEADROOM = 0.24
_THINNING = 0.25
"""Bands of many series lie on each other; each is fainter, and still seen alone."""
_ONSET_TOP, _ONSET_STEP = 0.955, 0.035
_TICKS = 4
_TICK_ROOM = 36
"""Pixels from the 0 of the axis to the next number, at least."""


def draw_figure(track: Found, folder: Path) -> None:
    """Write `attention.png` (1600 x 1000) and `attention.svg`: attention over training.

    One panel a region, each with its own scale: the share of the positive relevance of the first explanation with its
    95 % interval, what the region would have by its area and what untrained networks give it, and the onset with
    its interval. One panel more for the return of own games, where there are any. Of several series each is a thin
    line, and their mean a thick one. The same track gives the same bytes.

    Args:
        track: What was found.
        folder: Where the files land; what is there is replaced.

    Raises:
        RecordingError: If they cannot be written.
    """
    with new_figure(_INCHES, folder, FIGURE_NAMES) as figure:
        _draw(figure, track)


def mean_over(curves: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> tuple[Any, Any]:
    """The mean of several lines where all of them are, straight between their points.

    Args:
        curves: Places, ascending, and values of each line.

    Returns:
        Places and values of the mean; empty where the lines have no place in common.
    """
    first, last = max(places[0] for places, _ in curves), min(places[-1] for places, _ in curves)
    known = np.unique(np.concatenate([places for places, _ in curves]))
    common = known[(known >= first) & (known <= last)]
    return common, np.mean([np.interp(common, places, values) for places, values in curves], axis=0)


def _draw(figure: "Figure", track: Found) -> None:
    curves = [one.curves[0] for one in track.series]
    axis = TrainingAxis(int(number) for curve in curves for number in curve.frames)
    colours = palette.region_colours(curves[0].names)
    played = any(len(found) for one in track.series for found in one.returns)
    panels = _panels(figure, len(curves[0].names) + played, axis, track.terms)
    for number, (name, panel) in enumerate(zip(curves[0].names, panels, strict=False)):
        colour = palette.FAINT if name == BACKGROUND else colours[number]
        _draw_region(panel, curves, number, axis, rgb(colour))
    if played:
        _draw_returns(panels[-1], track, axis)
    _draw_words(figure, track)
    draw_legend(figure, several=len(curves) > 1, state=track.terms.state)


def _panels(figure: "Figure", count: int, axis: TrainingAxis, terms: Terms) -> list["Axes"]:
    """Panels in rows, each with its time axis; the last one takes what is left of its row."""
    rows, columns = grid_of(count)
    places = {"left": 0.078, "right": 0.978, "top": 0.83, "bottom": 0.155}
    grid = figure.add_gridspec(rows, columns, **places, wspace=0.25, hspace=0.06 + 0.22 * rows)
    cells = [grid[divmod(number, columns)] for number in range(count - 1)]
    row, column = divmod(count - 1, columns)
    panels = [figure.add_subplot(cell) for cell in (*cells, grid[row, column:])]
    for panel in panels:
        draw_training(panel, axis)
    middle = (places["left"] + places["right"]) / 2
    figure.text(middle, 0.09, axis_name(axis, terms), ha="center", color=rgb(palette.QUIET), size=12)
    height = (places["bottom"] + places["top"]) / 2
    style: dict[str, Any] = {"rotation": 90, "va": "center", "color": rgb(palette.QUIET), "size": 12}
    figure.text(0.012, height, "share of positive relevance", **style)
    return panels


def axis_name(axis: TrainingAxis, terms: Terms) -> str:
    """What the axis of training is, in words."""
    apart = "; 0 stands apart" if axis.has_zero else ""
    return f"{terms.axis} (logarithmic{apart})"


def draw_training(panel: "Axes", axis: TrainingAxis) -> None:
    """The axis of training under a panel."""
    ticks, small = axis.ticks(_TICKS), axis.small_ticks()
    panel.set_xlim(-0.035, 1.035)
    room = _TICK_ROOM / panel.get_window_extent().width
    told = [tick.text if i == 0 or tick.place - ticks[0].place > room else "" for i, tick in enumerate(ticks)]
    panel.set_xticks([tick.place for tick in ticks], told)
    panel.set_xticks([tick.place for tick in small], minor=True)
    if axis.has_zero:
        for shift in (-0.008, 0.008):
            middle = 0.55 * axis.start + shift
            panel.plot(
                [middle - 0.008, middle + 0.008],
                [-0.022, 0.022],
                transform=panel.get_xaxis_transform(),
                color=rgb(palette.FAINT),
                lw=1.2,
                clip_on=False,
            )


def _draw_region(panel: "Axes", curves: Sequence[Curve], number: int, axis: TrainingAxis, colour: Any) -> None:
    name = curves[0].names[number]
    for curve in curves:
        places = axis.place(curve.frames)
        low, share, high = (values[:, number] for values in (curve.low, curve.share, curve.high))
        width = THIN if len(curves) > 1 else THICK
        for piece in _pieces(curve.frames):
            panel.fill_between(
                places[piece], low[piece], high[piece], color=colour, alpha=0.28 / len(curves) ** _THINNING, lw=0
            )
            panel.plot(places[piece], share[piece], color=colour, lw=width, alpha=0.75 if len(curves) > 1 else 1)
        apart = [0] if curve.frames[0] == 0 else []
        panel.vlines(places[apart], low[apart], high[apart], color=colour, lw=THICK * 2.4, alpha=0.28)
        panel.plot(places, share, "o", color=colour, ms=3.6 if len(curves) == 1 else 2.2, mew=0)
    if len(curves) > 1:
        _draw_mean(panel, [(axis.place(curve.frames), curve.share[:, number]) for curve in curves], axis, colour)
    for level, style in ((_most(curves, "area", number), DOTTED), (_most(curves, "random", number), DASHED)):
        panel.axhline(level, color=colour, lw=_NULL, ls=style, alpha=0.9)
    top = max(_top(curve, number) for curve in curves)
    rows = len(curves) if any(_is_drawn(curve.onsets.get(name)) for curve in curves) else 0
    _scale(panel, max(top, 1e-3), rows)
    panel.yaxis.set_major_formatter(percent)
    _draw_title(panel, spoken(name), colour, _onset_text(curves, name))
    for row, curve in enumerate(curves):
        if name in curve.onsets:
            first = int(curve.frames[0])
            _draw_onset(panel, curve.onsets[name], first, axis, colour, _ONSET_TOP - _ONSET_STEP * row)


def _scale(panel: "Axes", top: float, onset_count: int) -> None:
    """From 0 to what is drawn; onsets have room above, but no share is above 100 %, and none is marked there."""
    room = _HEADROOM + _ONSET_STEP * (onset_count - 1) * 1.3
    end = top * (1 + room) if onset_count else min(top * 1.06, 1.02)
    panel.set_ylim(0, end)
    panel.set_yticks([tick for tick in panel.get_yticks() if tick <= min(1, end)])
    panel.spines["left"].set_bounds(0, min(1, end))


def _is_drawn(found: Onset | None) -> bool:
    return found is not None and (found.frames is not None or found.low is not None)


def _top(curve: Curve, number: int) -> float:
    """The largest that is drawn of a region; a checkpoint without any share has NaN."""
    ends = (*curve.high[:, number], *curve.share[:, number], curve.area[number], curve.random[number])
    return float(np.nanmax(ends))


def _draw_mean(panel: "Axes", lines: Sequence[tuple[Any, Any]], axis: TrainingAxis, colour: Any) -> None:
    """The mean of the trained checkpoints, and that of 0 frames apart: nothing is known between them."""
    trained = [places >= axis.start for places, _ in lines]
    places, values = mean_over([(at[some], of[some]) for (at, of), some in zip(lines, trained, strict=True)])
    panel.plot(places, values, color=colour, lw=THICK)
    untrained = [of[~some] for (_, of), some in zip(lines, trained, strict=True)]
    if all(map(len, untrained)):
        panel.plot(0.0, np.mean(untrained), "o", color=colour, ms=5, mew=0)


def _draw_onset(panel: "Axes", found: Onset, first: int, axis: TrainingAxis, colour: Any, height: float) -> None:
    """A line over the interval, arrows where it does not end, and a mark at the onset itself, hollow if uncertain.

    Before the first checkpoint nobody looked: what begins there has an arrow to the left, and no mark of an onset.
    """
    where, early = panel.get_xaxis_transform(), found.low == first
    if found.low is not None:
        ends = float(axis.place(found.low)), 1.0 if found.high is None else float(axis.place(found.high))
        panel.plot(ends, [height, height], transform=where, color=colour, lw=2, solid_capstyle="butt")
        arrow: dict[str, Any] = {"transform": where, "color": colour, "ms": 7, "mew": 0, "clip_on": False}
        for place, shape, is_open in ((ends[0] - 0.012, "<", early), (1.012, ">", found.high is None)):
            panel.plot([place] * is_open, [height] * is_open, shape, **arrow)
    if found.frames is not None and (found.high is None or not early):
        place, ground = float(axis.place(found.frames)), rgb(palette.PANEL)
        fill, edge = (ground, colour) if found.high is None else (colour, ground)
        panel.plot(place, height, "D", transform=where, mfc=fill, ms=7, mew=1.2, mec=edge)
        panel.plot([place, place], [0, height - 0.015], transform=where, color=colour, lw=0.8, alpha=0.55)


def _draw_returns(panel: "Axes", track: Found, axis: TrainingAxis) -> None:
    lines, colour, series, terms = [], rgb(palette.BRIGHT), track.series, track.terms
    for one in series:
        played = [(member.frames, found) for member, found in zip(one.members, one.returns, strict=True) if len(found)]
        if not played:
            continue
        frames = np.array([number for number, _ in played])
        places, means = axis.place(frames), np.array([found.mean() for _, found in played])
        lines.append((places, means))
        _draw_ends(panel, one, axis, colour, len(series))
        for place, (_, found) in zip(places, played, strict=True):
            panel.plot(np.full(len(found), place), found, "o", color=colour, alpha=0.3, ms=4, mew=0)
        for piece in _pieces(frames):
            panel.plot(places[piece], means[piece], color=colour, lw=THIN if len(series) > 1 else THICK)
        panel.plot(places, means, "o", color=colour, ms=4 if len(series) == 1 else 2.2, mew=0)
    if len(lines) > 1:
        _draw_mean(panel, lines, axis, colour)
    panel.margins(y=0.08)
    low, high = panel.dataLim.intervaly
    if low == high:
        panel.set_ylim(low - 1, high + 1)
    if terms.sign:
        panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}{terms.sign}")
    told = played_text(track).replace("; ", "\n")
    _draw_title(panel, terms.result, colour, f"{terms.results}, {told}")


def _draw_ends(panel: "Axes", one: Series[Any], axis: TrainingAxis, colour: Any, count: int) -> None:
    """The interval of each mean, where there is one."""
    if one.ends is None:
        return
    frames, (low, high) = np.array([member.frames for member in one.members]), one.ends.T
    places = axis.place(frames)
    for piece in _pieces(frames):
        panel.fill_between(places[piece], low[piece], high[piece], color=colour, alpha=0.2 / count**_THINNING, lw=0)
    apart = [0] if frames[0] == 0 else []
    panel.vlines(places[apart], low[apart], high[apart], color=colour, lw=THICK * 2.4, alpha=0.2)


def _pieces(frames: NDArray[np.int64]) -> Iterator[slice]:
    """What is joined by a line: all but 0 frames, which stands apart."""
    yield slice(int(frames[0] == 0), len(frames))


def _most(curves: Sequence[Curve], null: str, number: int) -> float:
    return max(float(getattr(curve, null)[number]) for curve in curves)


def _onset_text(curves: Sequence[Curve], name: str) -> str:
    found = [curve.onsets[name] for curve in curves if name in curve.onsets]
    if not found:
        return ""
    if len(found) > 1:
        uncertain = sum(one.frames is not None and one.high is None for one in found)
        certain = sum(one.frames is not None for one in found) - uncertain
        return f"onset in {certain} of {len(found)} series" + (f", uncertain in {uncertain}" if uncertain else "")
    return onset_words(found[0], int(curves[0].frames[0]), curves[0].unit)


def _draw_title(panel: "Axes", name: str, colour: Any, below: str) -> None:
    """The name, and below it what is to be told, however narrow the panel is."""
    panel.set_title(name, loc="left", color=colour, size=13, weight="bold", pad=21 + 12 * below.count("\n"))
    style: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    panel.annotate(below, (0, 1), (0, 7), color=rgb(palette.QUIET), size=9.5, **style)


def _draw_words(figure: "Figure", track: Found) -> None:
    terms = track.terms
    draw_head(figure, track, f"{terms.title}: where the relevance of {terms.decision}s lies, over training")
