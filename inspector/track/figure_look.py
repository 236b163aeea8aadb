"""How the curve looks: the colours and the type of the house, for matplotlib."""

from typing import Any

from inspector.draw import palette


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
