"""How the curve looks: the colours and the type of the house, for matplotlib."""

from typing import TYPE_CHECKING, Any

from inspector.draw import palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure

THICK, THIN = 2.4, 1.0
DOTTED, DASHED = (0, (1, 2)), (0, (5, 3))
_MOST_COLUMNS = 5
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


def draw_legend(figure: "Figure", *, several: bool) -> None:
    """What the lines and marks of every panel mean, in two rows under all of them."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    grey = rgb(palette.QUIET)
    marks: list[Any] = [
        Line2D([], [], color=grey, lw=THICK, label="mean of the series" if several else "mean of the states"),
        Patch(color=grey, alpha=0.35, lw=0, label="95 % interval"),
        Line2D([], [], color=grey, lw=1.4, ls=DOTTED, label="share by area"),
        Line2D([], [], color=grey, lw=1.4, ls=DASHED, label="what 19 of 20 untrained networks stay below"),
        Line2D([], [], color=grey, lw=2, marker="D", ms=7, label=_ONSET),
    ]
    if several:
        marks.insert(1, Line2D([], [], color=grey, lw=THIN, label="one series"))
    place = {"frameon": False, "labelcolor": grey, "bbox_to_anchor": (0.52, 0.006)}
    figure.legend(handles=marks, loc="lower center", ncols=-(-len(marks) // 2), **place)
