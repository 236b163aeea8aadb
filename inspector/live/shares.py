"""Where the relevance lies: its shares by region and by stacked frame, under the name of what is explained."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from inspector.draw.maps import frame_names
from inspector.draw.palette import ACCENT, AGAINST, BRIGHT, FAINT, FOR, Colour, frame_colours, region_colours
from inspector.live.cells import plain
from inspector.live.panels import colour, fitted, heading, name_width, percent, row
from inspector.live.scene import Scene
from inspector.live.scores import arrowed, kept

_FOR = Text().append("for ", colour(FOR))
_FOR_AGAINST = Text().append("for", colour(FOR)).append(" / ").append("against ", colour(AGAINST))
_BEGINNINGS = [Text("relevance ").append_text(_FOR_AGAINST), _FOR_AGAINST, _FOR]
"""What comes before the name of what is explained, the longest first."""
_OVER = " over "


def attention(scene: Scene, width: int, most: int) -> list[Text]:
    """A heading and the shares of the regions; where there is no room for all, of those with the largest."""
    if not scene.target_name:
        return [Text("not explained", colour(FAINT))]
    title = _relevance_of(scene, width - 1)
    if not scene.region_names:
        return [heading(title, width)]
    if scene.region_shares is None:
        return [heading(title, width), Text("no relevance, or none that is finite", colour(FAINT))]
    names = [plain(name).replace("_", " ") for name in scene.region_names]
    rows = _shares(names, scene.region_shares, region_colours(scene.region_names), width)
    return [heading(title, width), *(rows[one] for one in kept(scene.region_shares, (), most))]


def frames(shares: NDArray[np.float32], width: int) -> list[Text]:
    """A heading and the shares of the stacked frames, oldest first."""
    names, colours = frame_names(len(shares)), frame_colours(len(shares))
    return [heading("stacked frames", width), *_shares(names, shares, colours, width)]


def _shares(names: Sequence[str], shares: NDArray[np.float32], of: Sequence[Colour], width: int) -> list[Text]:
    room = name_width(names, width)
    each = zip(fitted(names, room), shares.tolist(), of, strict=True)
    return [row(name, share, percent(share), width, its, room=room) for name, share, its in each]


def _relevance_of(scene: Scene, room: int) -> Text:
    """What the picture shows, in its colours: in as many words as there is room for."""
    beginnings = _BEGINNINGS if scene.measure == "relevance" else [Text(f"{scene.measure} of ")]
    short = " ".join(map(arrowed, scene.target_name.split(" ")))
    tried = [(one, scene.target_name) for one in beginnings[:2]] + [(one, short) for one in beginnings[-2:]]
    beginning, name = next((one for one in tried if len(one[0]) + len(one[1]) <= room), tried[-1])
    first, over, second = name.partition(_OVER)
    line = beginning.copy().append(first, colour(ACCENT if scene.target_action == scene.decision.action else BRIGHT))
    line.append(over).append(second, colour(BRIGHT))
    line.truncate(room, overflow="ellipsis")
    return line
