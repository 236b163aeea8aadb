"""The words of the report of a track of clips: definitions, limits, and everything that was assumed and chosen."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import numpy as np

from inspector.clip_track.border import Border
from inspector.clip_track.moving import APART, LEAST
from inspector.clip_track.series import ClipSeries
from inspector.clip_track.tracker import ClipTrack
from inspector.clip_track.work import CALIBRATED
from inspector.track.found import Series
from inspector.track.measures import RESAMPLES
from inspector.track.page_parts import definitions_html, section_html, table_html
from inspector.track.report_words import choices_html, explained_text, limits_html
from inspector.track.words import counted

DEFINITIONS = {
    "Share of positive relevance": "The part of a clip's positive relevance that lies in the region, averaged over the "
    "clips; each frame counts with where the object is at its own time. Over both regions it adds up to 100 %.",
    "Moving": "The object: where the masks beside a video say it is. Without masks it is guessed: what differs, "
    f"blurred, by more than {LEAST} of 255 both from the frame {APART} before and from that {APART} after it. What is "
    "slow is missed.",
    "Background": "All the rest: the ground.",
    "Share of absolute relevance": "The same of the size of the relevance, whatever its sign.",
    "Density": "How many times its share by area the region's absolute share is. 1 × is what relevance that fell "
    "anywhere alike would give.",
    "Per relevant pixel": "Positive relevance per pixel of the region that has any, in the unit of the explained "
    "score, a logit. It compares regions of one checkpoint; the scores of two checkpoints differ in size.",
    "By position in the clip": "The part of a clip's positive relevance that lies in its first frame, its second, and "
    "so on, all regions together; and of each region.",
    "Border to centre": "Mean share of positive relevance of a position in the first and the last eighth of the clip, "
    "by that of one in its middle half. 1 where it is the same at every position. `inspector profile` tells it of "
    "absolute relevance.",
    "By area": "A null line: the share that the region has of the pixels of the clip; of a position, one of them all.",
    "Untrained networks": "A null line: the share that 19 of 20 networks of the same kind that learned nothing stay "
    "below, in all regions at once, or at all positions at once. Half of those that it is estimated from are "
    "initialised as torch does, half as torchvision's video networks. Their batch norms have the statistics of "
    f"{CALIBRATED} of these clips, as in training: with fresh ones they would normalise nothing, and the shape of a "
    "residual network alone would pick out positions. A checkpoint saved before training has fresh ones.",
    "Onset": "The first checkpoint from which on the share exceeds both null lines at every later checkpoint too. Its "
    "interval is found by drawing anew; it may reach beyond the last checkpoint.",
    "95 % interval": f"Clips of one video resemble each other, so whole videos are drawn anew, {RESAMPLES} times. It "
    "tells of the videos, not of other training runs: one run is one run.",
}
"""Every measure in a sentence or two."""

LIMITS = (
    "Relevance is an account of a score: it shares the number out among the pixels of the clip. It is not a cause: "
    "whether another class would be recognised without a frame, only changing the frame would tell.",
    "The class that is explained is the same under every checkpoint, so an early checkpoint is asked about a class "
    "that it does not recognise yet.",
    "A rise of a share may come from the other region's fall, since shares add up to 100 %.",
    "How untrained networks are initialised is a choice: initialised otherwise, they may have another level. It is "
    "estimated from {networks} networks, and so not exact itself.",
    "A network shrinks time by strides and sees nothing before the first and after the last frame: both make the "
    "profile over positions uneven before anything is learned. Compare it with the untrained networks, not with a "
    "flat line.",
    "Another composite is another account. Where several were asked, compare them above.",
    "Attention here is where the relevance of decisions lies. A transformer's attention is something else.",
)
"""What the picture cannot tell."""

RECIPE = {
    "frames": "frames of a clip",
    "resize": "rows and columns that a frame is brought to",
    "crop": "rows and columns that are cut out of its middle",
    "mean": "of each colour, taken off pixels from 0 to 1",
    "std": "of each colour, that they are divided by then",
}
"""What each choice of how a clip is made means."""


def clip_sections(track: ClipTrack) -> str:
    """Definitions, limits and choices."""
    networks = track.settings.random_networks
    parts = (_borders(track), definitions_html(DEFINITIONS), limits_html(LIMITS, networks), _choices(track))
    return "".join(parts)


def _borders(track: ClipTrack) -> str:
    """Border to centre of every checkpoint, a column an explanation."""
    if track.borders[0][0] is None:
        return ""
    head = [track.terms.axis, *(explained_text(one, track.terms) for one in track.explanations)]
    tables = []
    for number, (one, borders) in enumerate(zip(track.series, track.borders, strict=True)):
        body, name = _border_rows(one, number, borders), one.source.name
        tables.append(table_html(head, body, kind="games", caption=name, label=f"Border to centre of {name}"))
    note = "Relevance of a position at the border by that of one in the centre, with its 95 % interval in small type."
    return section_html("borders", "Border to centre", f'<p class="note">{note}</p>{"".join(tables)}')


def _border_rows(one: Series[ClipSeries], series: int, borders: Sequence[Border | None]) -> str:
    known = [border for border in borders if border is not None]
    rows = []
    for number, member in enumerate(one.members):
        cells = (_border_cell(border.ratio[number], border.low[number], border.high[number]) for border in known)
        start = f'<tr data-series="{series}" data-frames="{member.frames}"><th scope="row">{member.frames:,}</th>'
        rows.append(f"{start}{''.join(cells)}</tr>")
    untrained = (f"<td>{low:.2f} to {high:.2f}</td>" for low, high in (border.by_chance for border in known))
    return f'{"".join(rows)}<tr><th scope="row">95 of 100 untrained networks</th>{"".join(untrained)}</tr>'


def _border_cell(ratio: float, low: float, high: float) -> str:
    ends = f"<small>{low:.2f} to {high:.2f}</small>" if np.isfinite(low) else ""
    return f"<td>{ratio:.2f}{ends}</td>" if np.isfinite(ratio) else "<td>–</td>"


def _choices(track: ClipTrack) -> str:
    recipe = asdict(track.probe.recipe)
    return choices_html(
        track,
        lambda target: f"the {track.terms.targets[target]}",
        ("Clips", _asked(track)),
        ("How a clip is made", ((name, _plain(value), RECIPE[name]) for name, value in recipe.items())),
    )


def _asked(track: ClipTrack) -> Iterator[tuple[str, str, str]]:
    settings, probe = track.settings, track.probe
    yield "probe set", f"{len(probe)} clips of {counted(track.group_count, 'video')}", f"digest {probe.digest}"
    labelled = int(probe.labelled.sum())
    yield "labelled", f"{labelled} of {len(probe)} clips", "their class is explained; of others the recognised one"
    masks = f"{probe.masked_count} of {counted(track.group_count, 'video')}"
    yield "masks", masks, "of the others what moves is guessed"
    yield "stride", str(probe.stride), "frames of the video from one frame of a clip to the next"
    yield "untrained networks", str(settings.random_networks), "that the null lines are made of"
    yield "seed", str(settings.seed), "of their weights"
    for one in track.positive:
        about = f"had a score above 0: {one['composite']} of {one['target']}, last checkpoint of {one['series']}"
        yield "positive scores", f"{one['positive']} of {one['clips']} clips", about
    yield "device", settings.device, "where networks ran"


def _plain(value: object) -> str:
    return ", ".join(f"{one:g}" for one in value) if isinstance(value, tuple) else str(value)
