"""The picture of a profile: relevance per position at every stride, and by stride the border, accuracy and region."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inspector.draw import palette
from inspector.profile.measures import Estimate, Profile
from inspector.profile.result import Result
from inspector.profile.summary import VERDICTS, estimate_text, p_text
from inspector.track.figure_look import DOTTED, THICK, new_figure, percent, rgb
from inspector.track.words import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIGURE_NAMES = ("profile.png", "profile.svg")
_WIDE, _ACROSS = 16.0, 4
_HEAD, _ROW, _GAP, _LEGEND, _LOWER, _FOOT = 1.75, 3.75, 0.95, 1.9, 3.0, 0.5
"""Inches: above the curves; of a row of them, of which a gap; of the legend with the titles below; of the lower panels
and below them."""
OWN, REGION, STRETCH = palette.REGIONS[3], palette.REGIONS[0], palette.REGIONS[2]
_SHORT = {
    "border": "above all random",
    "centre": "below all random",
    "even": "as random",
    "few": "too few random",
    "fresh": "fresh batch norms",
}


def draw_figure(result: Result, folder: Path) -> None:
    """Write `profile.png` (1600 pixels wide) and `profile.svg`. The same profile gives the same bytes.

    Above, a panel a stride: the share of the absolute relevance at each position in the clip with its 95 % interval,
    and from the least to the most of what networks with random weights give it. Below, by stride: the border-to-centre
    ratio beside that of each random network; accuracy with its interval, and the videos gained and lost against the
    smallest stride; and, where there are masks, the share of what they mark.

    Args:
        result: What was found.
        folder: Where the files land; what is there is replaced.

    Raises:
        RecordingError: If they cannot be written.
    """
    rows = -(-len(result.at) // _ACROSS)
    inches = _WIDE, _HEAD + rows * _ROW - _GAP + _LEGEND + _LOWER + _FOOT
    with new_figure(inches, folder, FIGURE_NAMES) as figure:
        _draw(figure, result, rows)


def _draw(figure: "Figure", result: Result, rows: int) -> None:
    height = float(figure.get_figheight())
    _draw_words(figure, result, height)
    top, end = height - _HEAD, height - _HEAD - rows * _ROW + _GAP
    _draw_positions(figure, result, rows, top / height, end / height)
    _draw_legend(figure, (end - 0.5) / height, (end - 0.86) / height)
    panels: list[Callable[[Axes, Result], None]] = [_draw_ratios, _draw_accuracies]
    if any(one.regions.get("absolute") for one in result.at.values()):
        panels.append(_draw_regions)
    place = {"top": (_FOOT + _LOWER) / height, "bottom": _FOOT / height}
    grid = figure.add_gridspec(1, len(panels), left=0.055, right=0.985, **place, wspace=0.17)
    for number, draw in enumerate(panels):
        panel = figure.add_subplot(grid[0, number])
        draw(panel, result)
        _name_strides(panel, list(result.at))


def _draw_words(figure: "Figure", result: Result, height: float) -> None:
    settings = result.settings
    title = f"{result.agent.facts.name}: where in the clip the relevance lies, and how fast it plays best"
    figure.text(0.028, 1 - 0.5 / height, title, size=20, weight="bold", color=rgb(palette.BRIGHT))
    whose = "recognised class" if settings.target == "recognised" else "true class"
    facts = (counted(len(result.videos), "video"), f"clips of {result.places.frames} frames from their middle",
             f"score of the {whose}", settings.composite)  # fmt: skip
    figure.text(0.028, 1 - 0.86 / height, "  ·  ".join(facts), size=12.5, color=rgb(palette.QUIET))


# --- relevance per position -------------------------------------------------------------------------------------------


def _draw_positions(figure: "Figure", result: Result, rows: int, top: float, bottom: float) -> None:
    columns = min(len(result.at), _ACROSS)
    grid = figure.add_gridspec(rows, columns, left=0.055, right=0.985, top=top, bottom=bottom, wspace=0.08,
                               hspace=0.55)  # fmt: skip
    profiles = [(one.stride, one.profiles["absolute"]) for one in result.at.values()]
    most = max(max(np.nanmax(one.interval[1], initial=one.mean.max()), one.networks.max()) for _, one in profiles)
    for number, (stride, one) in enumerate(profiles):
        panel = figure.add_subplot(grid[divmod(number, columns)])
        _draw_profile(panel, one)
        panel.set_ylim(0, 1.08 * most)
        panel.yaxis.set_major_formatter(percent)
        if number % columns:
            panel.tick_params(labelleft=False)
        _title(panel, f"stride {stride}", f"border to centre {estimate_text(one.ratio)}: {_SHORT[one.verdict]}")
    middle = (top + bottom) / 2
    style: dict[str, Any] = {"color": rgb(palette.QUIET), "size": 11.5}
    figure.text(0.012, middle, "share of absolute relevance", rotation=90, va="center", **style)


def _draw_profile(panel: "Axes", one: Profile) -> None:
    places = np.arange(len(one.mean))
    count = len(places)
    for begin, end in ((0, count / 8), (count / 4, 3 * count / 4), (7 * count / 8, count)):  # border, centre, border
        panel.axvspan(begin - 0.5, end - 0.5, color=rgb(palette.TRACK), lw=0, alpha=0.55)
    own, grey = rgb(OWN), rgb(palette.BAR)
    panel.fill_between(places, one.networks.min(0), one.networks.max(0), color=grey, alpha=0.5, lw=0)
    panel.plot(places, one.networks.mean(0), color=rgb(palette.FAINT), lw=1.4, ls=DOTTED)
    panel.fill_between(places, *one.interval, color=own, alpha=0.3, lw=0)
    panel.plot(places, one.mean, "o-", color=own, lw=THICK, ms=4.5, mew=0)
    panel.set_xlim(-0.7, len(places) - 0.3)
    step = max(1, round(len(places) / 6))
    panel.set_xticks(places[::step])


def _draw_legend(figure: "Figure", axis: float, below: float) -> None:
    """The name of the axis, and below it what the marks mean; heights of both as parts of the figure."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    grey = rgb(palette.QUIET)
    marks: list[Any] = [
        Line2D([], [], color=rgb(OWN), lw=THICK, marker="o", ms=4.5, mew=0, label="mean of the videos"),
        Patch(color=rgb(OWN), alpha=0.3, lw=0, label="95 % interval"),
        Patch(color=rgb(palette.BAR), alpha=0.5, lw=0, label="random weights, from the least to the most"),
        Line2D([], [], color=rgb(palette.FAINT), lw=1.4, ls=DOTTED, label="their mean"),
        Patch(color=rgb(palette.TRACK), lw=0, label="shaded: border at either end, centre between"),
    ]
    where: dict[str, Any] = {"loc": "center", "bbox_to_anchor": (0.52, below), "frameon": False, "labelcolor": grey}
    figure.legend(handles=marks, ncols=len(marks), **where)
    figure.text(0.52, axis, "position in the clip, the first is 0", size=11.5, color=grey, ha="center", va="center")


# --- by stride --------------------------------------------------------------------------------------------------------


def _draw_ratios(panel: "Axes", result: Result) -> None:
    """Every random network is a thin line: it tells how it changes by itself from stride to stride."""
    profiles = [one.profiles["absolute"] for one in result.at.values()]
    places = np.arange(len(profiles))
    lines = np.stack([one.network_ratios for one in profiles])
    panel.plot(places + 0.14, lines, color=rgb(palette.BAR), lw=0.8, alpha=0.45)
    panel.plot(places - 0.08, [one.ratio.mean for one in profiles], color=rgb(OWN), lw=1.4, alpha=0.8)
    for place, one in enumerate(result.at.values()):
        found = one.profiles["absolute"]
        panel.plot(np.full(len(found.network_ratios), place + 0.14), found.network_ratios, "o", ms=4,
                   color=rgb(palette.BAR), mew=0, alpha=0.8)  # fmt: skip
        panel.plot(place + 0.14, found.null_ratio, "_", color=rgb(palette.FAINT), ms=15, mew=1.8)
        _bar(panel, place - 0.08, found.ratio, rgb(OWN))
    panel.margins(y=0.12)
    panel.set_ylim(bottom=min(0.0, panel.get_ylim()[0]))
    _title(
        panel, "border to centre, by stride", "ratio of mean shares; grey: networks with random weights, a line each"
    )


def _draw_accuracies(panel: "Axes", result: Result) -> None:
    lows = []
    for place, one in enumerate(result.at.values()):
        for shift, found, colour in ((0.1, one.stretch_accuracy, STRETCH), (-0.08, one.accuracy, OWN)):
            _bar(panel, place + shift, Estimate(found.share, found.low, found.high), rgb(colour))
            lows.append(found.low)
    panel.set_ylim(max(0.0, min(lows) - 0.45 * (1 - min(lows)) - 0.02), 1.0 + 0.04 * (1 - min(lows)))
    panel.set_yticks([tick for tick in panel.get_yticks() if tick <= 1])
    panel.yaxis.set_major_formatter(percent)
    for place, compared in enumerate(result.compared, start=1):
        text = f"+{compared.gained} −{compared.lost}\np {p_text(compared.p_holm)}"
        panel.annotate(text, (place, 0.03), xycoords=("data", "axes fraction"), ha="center", size=9.5,
                       color=rgb(palette.QUIET))  # fmt: skip
    told = f"+ gained, − lost against stride {result.settings.strides[0]}" if result.compared else ""
    first = "one clip from the middle; pink: clips over the whole stretch"
    _title(panel, "accuracy, by stride", f"{first}\n{told}" if told else first)


def _draw_regions(panel: "Axes", result: Result) -> None:
    most = 0.0
    for place, one in enumerate(result.at.values()):
        region = one.regions.get("absolute")
        if region is None:
            continue
        panel.plot(np.full(len(region.networks), place + 0.14), region.networks, "o", ms=4, color=rgb(palette.BAR),
                   mew=0, alpha=0.8)  # fmt: skip
        panel.plot([place - 0.3, place + 0.3], [region.area.mean] * 2, color=rgb(REGION), lw=1.4, ls=DOTTED)
        _bar(panel, place - 0.08, region.share, rgb(REGION))
        most = max(most, np.nanmax([region.share.mean, region.share.high]), region.null[1] if region.null else 0)
    panel.set_ylim(0, min(1.02, 1.1 * most) or 1.02)
    panel.yaxis.set_major_formatter(percent)
    _title(panel, "what masks mark, by stride", "share of absolute relevance; dotted: of the area; grey: as left")


def _bar(panel: "Axes", place: float, found: Estimate, colour: Any) -> None:
    if found.low <= found.high:
        panel.plot([place, place], [found.low, found.high], color=colour, lw=2.2, solid_capstyle="butt", alpha=0.75)
    panel.plot(place, found.mean, "o", color=colour, ms=7.5, mew=0)


def _name_strides(panel: "Axes", strides: Sequence[int]) -> None:
    panel.set_xlim(-0.6, len(strides) - 0.4)
    panel.set_xticks(range(len(strides)), [f"stride {stride}" for stride in strides])


def _title(panel: "Axes", name: str, below: str) -> None:
    """The name, and below it what is to be told, however narrow the panel is."""
    panel.set_title(
        name, loc="left", color=rgb(palette.BRIGHT), size=13, weight="bold", pad=21 + 12 * below.count("\n")
    )
    style: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    panel.annotate(below, (0, 1), (0, 7), color=rgb(palette.QUIET), size=9.5, **style)


def figure_words(result: Result) -> str:
    """What the picture shows, for who cannot see it."""
    told = [f"stride {one.stride}: {VERDICTS[one.profiles['absolute'].verdict]}" for one in result.at.values()]
    return "Relevance per position in the clip. " + "; ".join(told)
