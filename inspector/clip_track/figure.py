"""The curves by position in the clip: how the relevance lies over its frames, and how that changed over training."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inspector.clip_track.border import Border
from inspector.clip_track.tracker import ClipTrack
from inspector.draw import palette
from inspector.draw.training import TrainingAxis
from inspector.track.figure import axis_name, draw_training
from inspector.track.figure_look import DASHED, DOTTED, THICK, THIN, draw_head, new_figure, percent, rgb
from inspector.track.plan import text_of
from inspector.track.result import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIGURE_NAMES = ("positions.png", "positions.svg")
_INCHES = 16.0, 10.0
_MOST_TICKS = 16
_LABELLED = 7
"""Checkpoints that the legend names."""


def draw_positions(track: ClipTrack, folder: Path) -> None:
    """Write `positions.png` (1600 x 1000) and `positions.svg`: attention by position in the clip.

    Left, the share of the positive relevance at every position under every checkpoint of the first series, the first
    faint and the last bright with its 95 % interval, with what it would be if all were alike and what untrained
    networks stay below. Right, for every series, relevance at the border of the clip by that at its centre, over
    training. The same track gives the same bytes.

    Args:
        track: What was found.
        folder: Where the files land; what is there is replaced.

    Raises:
        RecordingError: If they cannot be written.
    """
    with new_figure(_INCHES, folder, FIGURE_NAMES) as figure:
        _draw(figure, track)


def _draw(figure: "Figure", track: ClipTrack) -> None:
    curves = [one.stacked[0] for one in track.series]
    places = {"left": 0.078, "right": 0.978, "top": 0.84, "bottom": 0.085}
    borders = [border for each in track.borders if (border := each[0]) is not None]
    short = not borders
    grid = figure.add_gridspec(1, 1 if short else 2, **places, wspace=0.16, width_ratios=[1] if short else [3, 2])
    _draw_profile(figure.add_subplot(grid[0]), curves[0], track.series[0].source.name)
    if not short:
        _draw_ratio(figure.add_subplot(grid[1]), borders, track)
    draw_head(figure, track, f"{track.terms.title}: relevance by position in the clip")


def _draw_profile(panel: "Axes", curve: Curve, name: str) -> None:
    """Shares over the positions, a line a checkpoint."""
    positions, last = np.arange(len(curve.names)), len(curve.frames) - 1
    bright = rgb(palette.BRIGHT)
    named = set(np.linspace(0, last, min(last + 1, _LABELLED)).round().astype(int).tolist())
    for number, share in enumerate(curve.share):
        way = (number + 1) / (last + 1)
        style: dict[str, Any] = {"color": bright if number == last else _between(way), "lw": THIN + 0.8 * way}
        label = text_of(int(curve.frames[number]), curve.unit) if number in named else None
        panel.plot(positions, share, "o-" if number == last else "-", ms=4, mew=0, label=label, **style)
    panel.fill_between(positions, curve.low[-1], curve.high[-1], color=bright, alpha=0.25, lw=0)
    panel.plot(positions, curve.area, color=rgb(palette.QUIET), lw=1.3, ls=DOTTED, label="all alike")
    panel.plot(
        positions,
        curve.random,
        color=rgb(palette.QUIET),
        lw=1.3,
        ls=DASHED,
        label="what 19 of 20 untrained networks stay below",
    )
    panel.set_ylim(0, None)
    panel.yaxis.set_major_formatter(percent)
    step = -(-len(positions) // _MOST_TICKS)
    panel.set_xticks(positions[::step])
    panel.set_xlabel("position in the clip (first frame 0)", color=rgb(palette.QUIET), size=12)
    panel.set_ylabel("share of positive relevance", color=rgb(palette.QUIET), size=12)
    title = f"{name}; band: 95 % interval of the last checkpoint"
    panel.set_title(title, loc="left", color=rgb(palette.QUIET), size=11, pad=12)
    panel.legend(frameon=False, labelcolor=rgb(palette.QUIET), ncols=2, loc="best", fontsize=9.5)


def _draw_ratio(panel: "Axes", borders: Sequence[Border], track: ClipTrack) -> None:
    """Border by centre over training, a line a series."""
    curves = [one.stacked[0] for one in track.series]
    axis, quiet = TrainingAxis(int(number) for curve in curves for number in curve.frames), rgb(palette.QUIET)
    draw_training(panel, axis)
    colours = [rgb(palette.BRIGHT), *(rgb(colour) for colour in palette.REGIONS)]
    for number, (curve, border) in enumerate(zip(curves, borders, strict=True)):
        places, colour, trained = axis.place(curve.frames), colours[number % len(colours)], curve.frames > 0
        line = places[trained], border.ratio[trained]
        panel.plot(*line, color=colour, lw=THICK if number == 0 else 1.6, label=track.series[number].source.name)
        panel.fill_between(places[trained], border.low[trained], border.high[trained], color=colour, alpha=0.2, lw=0)
        panel.vlines(places[~trained], border.low[~trained], border.high[~trained], color=colour, lw=5, alpha=0.2)
        panel.plot(places, border.ratio, "o", color=colour, ms=4, mew=0)
    panel.axhline(1, color=quiet, lw=1.3, ls=DOTTED, label="all alike")
    untrained = np.concatenate([border.untrained for border in borders])
    low, high = Border(*(np.zeros(0),) * 3, untrained).by_chance
    panel.axhspan(low, high, color=quiet, alpha=0.16, lw=0, label="95 of 100 untrained networks")
    panel.set_ylim(0, None)
    panel.set_xlabel(axis_name(axis, track.terms), color=quiet, size=12)
    title = "border to centre: outer eighths by middle half, each by position"
    panel.set_title(title, loc="left", color=quiet, size=11, pad=12)
    panel.legend(frameon=False, labelcolor=quiet, loc="best", fontsize=9.5)


def _between(way: float) -> tuple[float, float, float]:
    """A colour from hardly seen to quiet."""
    return rgb(palette.mix(palette.HAIRLINE, palette.REGIONS[0], way))
