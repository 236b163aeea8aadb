"""How the curve looks: the colours and the type of the house, for matplotlib."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.draw import palette
from inspector.files import replacing
from inspector.track.found import Found
from inspector.track.names import cut_name
from inspector.track.words import states_text, target_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 100
THICK, THIN = 2.4, 1.0
DOTTED, DASHED = (0, (1, 2)), (0, (5, 3))
_MOST_COLUMNS = 5
_NAMED, _NAMES_LENGTH = 3, 30
"""Series that are named one by one, and how long their names may be together."""

_ONSET = "onset: above both for good; hollow: uncertain; arrow: maybe earlier or later"


def percent(value: float, _: object = None) -> str:
    """A share on an axis."""
    return f"{100 * value:.3g} %"


def rgb(colour: palette.Colour) -> tuple[float, float, float]:
    """A colour of the palette for matplotlib."""
    red, green, blue = (part / 255 for part in colour)
    return red, green, blue


def look() -> Any:
    """Settings of matplotlib, the same on every machine."""
    faint, line = rgb(palette.FAINT), rgb(palette.HAIRLINE)
    return {
        "font.family": "DejaVu Sans",
        "font.size": 10.5,
        "text.color": rgb(palette.BRIGHT),
        "text.parse_math": False,  # a name may hold dollars
        "figure.facecolor": rgb(palette.GROUND),
        "savefig.facecolor": rgb(palette.GROUND),
        "axes.facecolor": rgb(palette.PANEL),
        "axes.edgecolor": line,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "grid.color": rgb(palette.TRACK),
        "xtick.color": line,
        "xtick.labelcolor": faint,
        "ytick.color": line,
        "ytick.labelcolor": faint,
        "svg.fonttype": "none",
        "svg.hashsalt": "inspector",
    }


def grid_of(count: int) -> tuple[int, int]:
    """Rows and columns for some panels: wider than high, and with as few empty cells as can be."""

    def faults(columns: int) -> float:
        rows = -(-count // columns)
        return rows * columns - count + 1.5 * abs(columns - 1.3 * rows)

    columns = min(range(1, _MOST_COLUMNS + 1), key=faults)
    return -(-count // columns), columns


def draw_legend(figure: "Figure", *, several: bool, state: str) -> None:
    """What the lines and marks of every panel mean, in two rows under all of them."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    grey = rgb(palette.QUIET)
    marks: list[Any] = [
        Line2D([], [], color=grey, lw=THICK, label="mean of the series" if several else f"mean of the {state}s"),
        Patch(color=grey, alpha=0.35, lw=0, label="95 % interval"),
        Line2D([], [], color=grey, lw=1.4, ls=DOTTED, label="share by area"),
        Line2D([], [], color=grey, lw=1.4, ls=DASHED, label="what 19 of 20 untrained networks stay below"),
        Line2D([], [], color=grey, lw=2, marker="D", ms=7, label=_ONSET),
    ]
    if several:
        marks.insert(1, Line2D([], [], color=grey, lw=THIN, label="one series"))
    place = {"frameon": False, "labelcolor": grey, "bbox_to_anchor": (0.52, 0.006)}
    figure.legend(handles=marks, loc="lower center", ncols=-(-len(marks) // 2), **place)


def draw_head(figure: "Figure", track: Found, title: str) -> None:
    """A title, and below it who was explained, what, how, and on what."""
    main, names = track.explanations[0], _names_text([one.source.name for one in track.series])
    figure.text(0.028, 0.948, title, size=20, weight="bold", color=rgb(palette.BRIGHT))
    facts = (names, target_text(main.target, targets=track.terms.targets), main.composite, states_text(track))
    figure.text(0.028, 0.912, "  ·  ".join(facts), size=12.5, color=rgb(palette.QUIET))


def _names_text(names: Sequence[str]) -> str:
    """The names of the series, as many and as much of them as there is room for."""
    told = names if len(names) <= _NAMED else [names[0], names[-1]]
    room = _NAMES_LENGTH // len(told)
    short = [cut_name(name, room) for name in told]
    return ", ".join(short) if told is names else f"{len(names)} series, {short[0]} to {short[1]}"


@contextmanager
def new_figure(inches: tuple[float, float], folder: Path, names: Sequence[str]) -> Iterator["Figure"]:
    """A figure to draw in, written as PNG and as SVG at the end, the same bytes for the same drawing.

    Args:
        inches: Width and height, of a hundred pixels each.
        folder: Where the files land; what is there is replaced.
        names: Of the PNG and of the SVG.

    Raises:
        RecordingError: If they cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(look()):
        figure = Figure(figsize=inches, dpi=_DPI)
        FigureCanvasAgg(figure)
        yield figure
        _save(figure, folder, names)


def _save(figure: "Figure", folder: Path, names: Sequence[str]) -> None:
    for name, facts in zip(names, ({"Software": None}, {"Date": None}), strict=True):
        with replacing(folder / name) as part:
            figure.savefig(part, format=name.rpartition(".")[2], metadata=facts)
