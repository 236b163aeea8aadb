"""The curve: share of every region over training, one panel a region, and the return of own games beside them."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspector.atari.environment import title_of
from inspector.draw import palette
from inspector.draw.training import TrainingAxis
from inspector.files import replacing
from inspector.regions import BACKGROUND
from inspector.track.figure_look import look, percent, rgb
from inspector.track.measures import Onset
from inspector.track.names import cut_name
from inspector.track.plan import text_of
from inspector.track.result import Curve
from inspector.track.tracker import Series, Track
from inspector.track.words import games_text, spoken, states_text, target_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIGURE_NAMES = ("attention.png", "attention.svg")
_INCHES, _DPI = (16.0, 10.0), 100
_THICK, _THIN, _NULL = 2.4, 1.0, 1.1
_DOTTED, _DASHED = (0, (1, 2)), (0, (5, 3))
_HEADROOM = 0.24
_ONSET_TOP, _ONSET_STEP = 0.955, 0.035
_TICKS = 4
_TICK_ROOM = 0.13
"""Part of the axis from the 0 to the next number, at least."""
_NAMED, _NAMES_LENGTH = 3, 30
"""Series that are named one by one, and how long their names may be together."""


def draw_figure(track: Track, folder: Path) -> None:
    """Write `attention.png` (1600 x 1000) and `attention.svg`: attention over training.

    One panel a region, each with its own scale: the share of the positive relevance of the first explanation with its
    95 % interval, what the region would have by its area and what random weights give it, and the onset with its
    interval. One panel more for the return of own games, where there are any. Of several series each is a thin line,
    and their mean a thick one. The same track gives the same bytes.

    Args:
        track: What was found.
        folder: Where the files land; what is there is replaced.

    Raises:
        RecordingError: If they cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(look()):
        figure = Figure(figsize=_INCHES, dpi=_DPI)
        FigureCanvasAgg(figure)
        _draw(figure, track)
        for name, facts in zip(FIGURE_NAMES, ({"Software": None}, {"Date": None}), strict=True):
            with replacing(folder / name) as part:
                figure.savefig(part, format=name.rpartition(".")[2], metadata=facts)


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


def _draw(figure: "Figure", track: Track) -> None:
    curves = [one.curves[0] for one in track.series]
    axis = TrainingAxis(int(number) for curve in curves for number in curve.frames)
    colours = palette.region_colours(curves[0].names)
    played = any(len(found) for one in track.series for found in one.returns)
    panels = _panels(figure, len(curves[0].names) + played, axis)
    for number, (name, panel) in enumerate(zip(curves[0].names, panels, strict=False)):
        colour = palette.FAINT if name == BACKGROUND else colours[number]
        _draw_region(panel, curves, number, axis, rgb(colour))
    if played:
        _draw_returns(panels[-1], track.series, axis)
    _draw_words(figure, track)
    _draw_legend(figure, several=len(curves) > 1)


def _panels(figure: "Figure", count: int, axis: TrainingAxis) -> list["Axes"]:
    """Panels in rows; the time axis stands under the lowest of each column."""
    columns = 1 if count <= 2 else min(5, math.ceil(math.sqrt(1.2 * count)))
    rows = -(-count // columns)
    places = {"left": 0.066, "right": 0.978, "top": 0.83, "bottom": 0.135}
    grid = figure.add_gridspec(rows, columns, **places, wspace=0.2, hspace=0.22 + 0.09 * rows)
    panels = [figure.add_subplot(grid[number // columns, number % columns]) for number in range(count)]
    for number, panel in enumerate(panels):
        _draw_training(panel, axis, is_lowest=number + columns >= count)
    middle = (places["left"] + places["right"]) / 2
    figure.text(middle, 0.068, _axis_name(axis), ha="center", color=rgb(palette.QUIET), size=12)
    height = (places["bottom"] + places["top"]) / 2
    figure.text(
        0.012, height, "share of positive relevance", rotation=90, va="center", color=rgb(palette.QUIET), size=12
    )
    return panels


def _axis_name(axis: TrainingAxis) -> str:
    apart = "; 0 stands apart" if axis.has_zero else ""
    return f"emulator frames trained (logarithmic{apart})"


def _draw_training(panel: "Axes", axis: TrainingAxis, *, is_lowest: bool) -> None:
    ticks, small = axis.ticks(_TICKS), axis.small_ticks()
    panel.set_xlim(-0.035, 1.035)
    told = [tick.text if is_lowest and (i == 0 or tick.place > _TICK_ROOM) else "" for i, tick in enumerate(ticks)]
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
        width = _THIN if len(curves) > 1 else _THICK
        for piece in _pieces(curve.frames):
            panel.fill_between(
                places[piece], low[piece], high[piece], color=colour, alpha=0.28 / len(curves) ** 0.7, lw=0
            )
            panel.plot(places[piece], share[piece], color=colour, lw=width, alpha=0.75 if len(curves) > 1 else 1)
        apart = [0] if curve.frames[0] == 0 else []
        panel.vlines(places[apart], low[apart], high[apart], color=colour, lw=_THICK * 2.4, alpha=0.28)
        panel.plot(places, share, "o", color=colour, ms=3.6 if len(curves) == 1 else 2.2, mew=0)
    if len(curves) > 1:
        _draw_mean(panel, [(axis.place(curve.frames), curve.share[:, number]) for curve in curves], axis, colour)
    for level, style in ((_most(curves, "area", number), _DOTTED), (_most(curves, "random", number), _DASHED)):
        panel.axhline(level, color=colour, lw=_NULL, ls=style, alpha=0.9)
    top = max(_top(curve, number) for curve in curves)
    rows = len(curves) if name in curves[0].onsets else 0
    panel.set_ylim(0, max(top, 1e-3) * (1 + _HEADROOM + _ONSET_STEP * max(rows - 1, 0) * 1.3))
    panel.set_yticks([tick for tick in panel.get_yticks() if tick <= min(1, panel.get_ylim()[1])])  # no 120 %
    panel.yaxis.set_major_formatter(percent)
    _draw_title(panel, spoken(name), colour, _onset_text(curves, name))
    for row, curve in enumerate(curves):
        if name in curve.onsets:
            _draw_onset(panel, curve.onsets[name], axis, colour, _ONSET_TOP - _ONSET_STEP * row)


def _top(curve: Curve, number: int) -> float:
    """The largest that is drawn of a region; a checkpoint without any share has NaN."""
    ends = (*curve.high[:, number], *curve.share[:, number], curve.area[number], curve.random[number])
    return float(np.nanmax(ends))


def _draw_mean(panel: "Axes", lines: Sequence[tuple[Any, Any]], axis: TrainingAxis, colour: Any) -> None:
    """The mean of the trained checkpoints, and that of 0 frames apart: nothing is known between them."""
    trained = [places >= axis.start for places, _ in lines]
    places, values = mean_over([(at[some], of[some]) for (at, of), some in zip(lines, trained, strict=True)])
    panel.plot(places, values, color=colour, lw=_THICK)
    untrained = [of[~some] for (_, of), some in zip(lines, trained, strict=True)]
    if all(map(len, untrained)):
        panel.plot(0.0, np.mean(untrained), "o", color=colour, ms=5, mew=0)


def _draw_onset(panel: "Axes", found: Onset, axis: TrainingAxis, colour: Any, height: float) -> None:
    """A line over the interval, an arrow where it does not end, and a mark at the onset itself, hollow if uncertain."""
    where = panel.get_xaxis_transform()
    if found.low is not None:
        ends = float(axis.place(found.low)), 1.0 if found.high is None else float(axis.place(found.high))
        panel.plot(ends, [height, height], transform=where, color=colour, lw=2, solid_capstyle="butt")
        if found.high is None:
            panel.plot(1.012, height, ">", transform=where, color=colour, ms=6, mew=0, clip_on=False)
    if found.frames is not None:
        place, ground = float(axis.place(found.frames)), rgb(palette.PANEL)
        fill, edge = (ground, colour) if found.high is None else (colour, ground)
        panel.plot(place, height, "D", transform=where, mfc=fill, ms=7, mew=1.2, mec=edge)
        panel.plot([place, place], [0, height - 0.015], transform=where, color=colour, lw=0.8, alpha=0.55)


def _draw_returns(panel: "Axes", series: Sequence[Series], axis: TrainingAxis) -> None:
    lines, colour = [], rgb(palette.BRIGHT)
    for one in series:
        played = [(member.frames, found) for member, found in zip(one.members, one.returns, strict=True) if len(found)]
        if not played:
            continue
        frames = np.array([number for number, _ in played])
        places, means = axis.place(frames), np.array([found.mean() for _, found in played])
        lines.append((places, means))
        for place, (_, found) in zip(places, played, strict=True):
            panel.plot(np.full(len(found), place), found, "o", color=colour, alpha=0.3, ms=4, mew=0)
        for piece in _pieces(frames):
            panel.plot(places[piece], means[piece], color=colour, lw=_THIN if len(series) > 1 else _THICK)
        panel.plot(places, means, "o", color=colour, ms=4 if len(series) == 1 else 2.2, mew=0)
    if len(lines) > 1:
        _draw_mean(panel, lines, axis, colour)
    panel.margins(y=0.08)
    _draw_title(panel, "return", colour, f"mean and single games, {games_text(series)}")


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
    (one,) = found
    if one.frames is None:
        return "no onset"
    after = f"after {_short(int(curves[0].frames[-1]))}"
    low, high = (after if end is None else _short(end) for end in (one.low, one.high))
    return f"{'uncertain: ' if one.high is None else ''}onset {_short(one.frames)} ({low} to {high})"


def _short(frames: int) -> str:
    """A number of frames without the word."""
    return text_of(frames).removesuffix(" frames")


def _draw_title(panel: "Axes", name: str, colour: Any, below: str) -> None:
    """The name, and below it what is to be told, however narrow the panel is."""
    panel.set_title(name, loc="left", color=colour, size=13, weight="bold", pad=21)
    style: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    panel.annotate(below, (0, 1), (0, 7), color=rgb(palette.QUIET), size=9.5, **style)


def _draw_words(figure: "Figure", track: Track) -> None:
    main, names = track.settings.explanations[0], _names_text([one.source.name for one in track.series])
    title = f"{title_of(track.probe.environment)}: where the relevance of decisions lies, over training"
    figure.text(0.028, 0.948, title, size=20, weight="bold", color=rgb(palette.BRIGHT))
    facts = (names, target_text(main.target), main.composite, states_text(track.probe))
    figure.text(0.028, 0.912, "  ·  ".join(facts), size=12.5, color=rgb(palette.QUIET))


def _names_text(names: Sequence[str]) -> str:
    """The names of the series, as many and as much of them as there is room for."""
    told = names if len(names) <= _NAMED else [names[0], names[-1]]
    room = _NAMES_LENGTH // len(told)
    short = [cut_name(name, room) for name in told]
    return ", ".join(short) if told is names else f"{len(names)} series, {short[0]} to {short[1]}"


def _draw_legend(figure: "Figure", *, several: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    grey = rgb(palette.QUIET)
    marks: list[Any] = [
        Line2D([], [], color=grey, lw=_THICK, label="mean of the series" if several else "mean of the states"),
        Patch(color=grey, alpha=0.35, lw=0, label="95 % interval"),
        Line2D([], [], color=grey, lw=1.4, ls=_DOTTED, label="share by area"),
        Line2D([], [], color=grey, lw=1.4, ls=_DASHED, label="random weights, at most"),
        Line2D([], [], color=grey, lw=2, marker="D", ms=7, label="onset: above both for good; hollow: uncertain"),
    ]
    if several:
        marks.insert(1, Line2D([], [], color=grey, lw=_THIN, label="one series"))
    place = {"frameon": False, "labelcolor": grey, "bbox_to_anchor": (0.52, 0.006)}
    figure.legend(handles=marks, loc="lower center", ncols=len(marks), **place)
