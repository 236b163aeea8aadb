"""The keys and what they do: in the last row, and all of them under `?`."""

from textwrap import wrap

from rich.text import Text

from inspector.draw.palette import ACCENT, BRIGHT, FAINT, QUIET
from inspector.live.panels import colour, heading
from inspector.live.scene import Scene
from inspector.live.scores import EXPLAINED, TAKEN

_MOST_LINES = 4
"""Of a word to the user."""

_MARKS = (
    (TAKEN, ACCENT, "the action taken"),
    (EXPLAINED, BRIGHT, "explained, not taken"),
    ("◦", BRIGHT, "a negative reward"),
)


def footer(scene: Scene, columns: int) -> list[Text]:
    """A word to the user, in a few lines, or as many keys as there is room for, each with its meaning."""
    if scene.notice:
        said = wrap(scene.notice, max(columns - 2, 1), max_lines=_MOST_LINES, placeholder="…", break_on_hyphens=False)
        return [Text(f" {line}".ljust(columns), colour(BRIGHT, bold=True)) for line in said]
    line = Text(" ")
    for key, meaning in scene.keys:
        if len(line) + len(key) + 1 + len(meaning) <= columns:
            line.append(key, colour(BRIGHT, bold=True)).append(f" {meaning}  ", colour(FAINT))
    return [line]


def key_lines(scene: Scene, width: int, rows: int) -> list[Text]:
    """Every key with its meaning, in two lines where one is too short; then what marks mean, if there is room."""
    column = max((len(key) for key, _ in scene.keys), default=0) + 1
    lines = [heading("keys", width - 1)]
    for key, meaning in scene.keys:
        for line, part in enumerate(wrap(meaning, max(width - column, 1)) or [""]):
            lines.append(Text(f"{'' if line else key:{column}}", colour(BRIGHT, bold=True)).append(part, colour(QUIET)))
    if len(lines) + 1 + len(_MARKS) <= rows:
        lines.append(Text())
        lines += [Text(mark, colour(of)).append(f" {meaning}", colour(QUIET)) for mark, of, meaning in _MARKS]
    return lines
