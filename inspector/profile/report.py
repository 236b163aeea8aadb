"""A profile as one HTML file that works offline: words, curves, tables, and everything that was assumed."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from inspector.files import replacing
from inspector.profile.choice import RULE
from inspector.profile.figure import FIGURE_NAMES, figure_words
from inspector.profile.measures import KINDS, Profile
from inspector.profile.places import border, centre
from inspector.profile.report_text import DEFINITIONS, LIMITS
from inspector.profile.result import Result
from inspector.profile.summary import (
    CHANGES,
    VERDICTS,
    accuracy_text,
    estimate_text,
    left_out_text,
    null_text,
    p_text,
    summary,
)
from inspector.provenance import versions
from inspector.track.page_parts import definitions_html, facts_html, list_html, section_html, table_html
from inspector.track.words import counted, spoken

REPORT_FILE = "report.html"
_MOST_LISTED = 30


def write_report(result: Result, folder: Path) -> Path:
    """Write `report.html`; the curves have to lie in the folder already.

    Raises:
        RecordingError: If it cannot be written.
    """
    picture = (folder / FIGURE_NAMES[1]).read_text("utf-8")
    path = folder / REPORT_FILE
    with replacing(path) as part:
        part.write_text(report_html(result, picture), encoding="utf-8")
    return path


def report_html(result: Result, picture: str) -> str:
    """The report as text; what comes from files and names is escaped, and a policy forbids the page all requests.

    Args:
        result: What was found.
        picture: The curves as SVG.
    """
    page = files("inspector.profile").joinpath("report.html").read_text("utf-8")
    lines = summary(result)
    return Template(page).substitute(
        title=escape(f"{result.agent.facts.name}: relevance within the clip, and speed"),
        kicker=escape(str(result.source)),
        lead=escape(lines[0]),
        style=files("inspector.track").joinpath("report.css").read_text("utf-8"),
        summary='<div class="found">' + "".join(f"<p>{escape(line)}.</p>" for line in lines[1:]) + "</div>",
        left_out=_left_out(result),
        words=escape(figure_words(result), quote=True),
        picture=picture[picture.index("<svg") :],
        sections="".join(_sections(result)),
    )


def _left_out(result: Result) -> str:
    if not result.left_out:
        return ""
    rows = [f"<li><b>{escape(one.name)}</b>: {escape(one.reason)}</li>" for one in result.left_out[:_MOST_LISTED]]
    more = len(result.left_out) - _MOST_LISTED
    rest = f"<li>and {more} more; all of them stand in manifest.json</li>" if more > 0 else ""
    return f'<div class="warning"><b>{escape(left_out_text(result))}</b><ul>{"".join(rows)}{rest}</ul></div>'


def _sections(result: Result) -> Iterator[str]:
    yield section_html("accuracy", "Accuracy by stride", _accuracies(result) + _comparisons(result))
    yield section_html(
        "border", "Border and centre", "".join(_ratios(result, kind) for kind in KINDS) + _changes(result)
    )
    yield section_html("positions", "Every position", _positions(result))
    if any(one.regions.get("absolute") for one in result.at.values()):
        yield section_html("region", "What masks mark", _regions(result))
    if result.choice:
        yield section_html("choice", "A stride by relevance alone", _choice(result))
    yield definitions_html(DEFINITIONS)
    yield section_html("limits", "What the numbers cannot tell", list_html(_limits(result)))
    yield section_html("choices", "Everything that was assumed and chosen", _choices(result))


def _limits(result: Result) -> Iterator[str]:
    networks = result.settings.random_networks
    return (text.format(networks=networks, more=networks + 1) for text in LIMITS)


def _accuracies(result: Result) -> str:
    head = ("stride", "one clip from the middle", "right", "clips over the stretch", "their mean", "right")
    rows = [
        (stride, accuracy_text(one.accuracy), f"{one.accuracy.right} of {one.accuracy.count}", one.stretch_clips,
         accuracy_text(one.stretch_accuracy), f"{one.stretch_accuracy.right} of {one.stretch_accuracy.count}")
        for stride, one in result.at.items()
    ]  # fmt: skip
    return _table(head, rows, "Accuracy with 95 % intervals by Wilson")


def _comparisons(result: Result) -> str:
    if not result.compared:
        return ""
    base = result.settings.strides[0]
    head = ("stride", "both right", "gained", "lost", "both wrong", "difference", "p", "p, by Holm")
    tables = []
    for found, title in (
        (result.compared, f"One clip, against one clip at stride {base}: the same videos, McNemar's exact test"),
        (result.stretch_compared, f"One clip, against the mean of clips at stride {base} over the same stretch"),
    ):
        rows = [
            (one.stride, one.both, one.gained, one.lost, one.neither, f"{100 * one.difference:+.1f} points",
             p_text(one.p), p_text(one.p_holm))
            for one in found
        ]  # fmt: skip
        tables.append(_table(head, rows, title))
    return "".join(tables)


def _ratios(result: Result, kind: str) -> str:
    head = ("stride", "border to centre", "random weights", "times their mean", "")
    rows = [
        (stride, estimate_text(found.ratio), f"{found.network_ratios.min():.2f} to {found.network_ratios.max():.2f}",
         estimate_text(found.excess), VERDICTS[found.verdict])
        for stride, one in result.at.items()
        for found in [one.profiles.get(kind)]
        if found is not None
    ]  # fmt: skip
    return _table(head, rows, f"{kind} relevance") if rows else ""


def _changes(result: Result) -> str:
    rows = [
        (stride, estimate_text(found.ratio), null_text(found.null), CHANGES[found.verdict])
        for stride, found in result.changes.items()
        if np.isfinite(found.ratio.mean)
    ]
    title = f"The ratio of absolute relevance, times that at stride {result.settings.strides[0]}"
    return _table(("stride", "times", "random weights", ""), rows, title) if rows else ""


def _positions(result: Result) -> str:
    """Share of each position with its interval, and how many times the mean of random weights that is."""
    at = {stride: one.profiles["absolute"] for stride, one in result.at.items()}
    head, shares, times = ("position", "", *(f"stride {stride}" for stride in at)), [], []
    for position, part in enumerate(_parts_of(result.places.frames)):
        shares.append((position, part, *(_percents(one, position) for one in at.values())))
        null = (one.networks[:, position].mean() for one in at.values())
        times.append(
            (position, part, *(_times(one.mean[position], n) for one, n in zip(at.values(), null, strict=True)))
        )
    return _table(head, shares, "Share of the absolute relevance") + _table(
        head, times, "How many times the mean under random weights that is"
    )


def _parts_of(frames: int) -> list[str]:
    """What each position belongs to."""
    rows = zip(border(frames).tolist(), centre(frames).tolist(), strict=True)
    return [_part("border", outer) or _part("centre", inner) for outer, inner in rows]


def _part(name: str, weight: float) -> str:
    """`border`; `border (50 %)` where not all of a position lies there; nothing where none of it does."""
    if weight in (0, 1):
        return name * int(weight)
    return f"{name} ({100 * weight:.3g} %)"


def _percents(one: Profile, position: int) -> str:
    low, high = (100 * ends[position] for ends in one.interval)
    ends = f" [{low:.1f}, {high:.1f}]" if low <= high else ""
    return f"{100 * one.mean[position]:.1f}{ends} %"


def _times(own: float, null: float) -> str:
    return f"{own / null:.2f}" if null > 0 else "–"


def _regions(result: Result) -> str:
    head = ("stride", "kind", "share of the relevance", "of the area", "times the area", "random weights", "videos")
    rows = []
    for stride, one in result.at.items():
        for kind, found in one.regions.items():
            if found is not None:
                null = f"{found.null[0]:.3f} to {found.null[1]:.3f}" if found.null else "–"
                rows.append((stride, kind, _share_text(found.share), f"{found.area.mean:.3f}",
                             estimate_text(found.density), null, found.videos))  # fmt: skip
    return _table(head, rows, "Share of the relevance that lies in what masks mark, 95 % intervals")


def _share_text(found: Any) -> str:
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]" if found.low <= found.high else f"{found.mean:.3f}"


def _choice(result: Result) -> str:
    found = result.choice
    if found is None:
        return ""
    rows = [
        (f"stride {result.settings.strides[0]} for all", accuracy_text(found.base), ""),
        (f"stride {found.stride} for all: the rule", accuracy_text(found.chosen),
         f"chosen in {100 * found.support[found.stride]:.0f} % of the draws"),
        ("the rule, video by video", accuracy_text(found.each),
         f"{found.each_compared.gained} gained, {found.each_compared.lost} lost, p {p_text(found.each_compared.p)}"),
        ("the surest stride, video by video", accuracy_text(found.confident), "by the probability, not by relevance"),
    ]  # fmt: skip
    best = " and ".join(f"stride {stride}" for stride in found.best)
    table = _table(("stride", "accuracy", ""), rows, f"The most accurate for all: {best}")
    return f"<p>The rule, without labels: {escape(RULE)}.</p>{table}"


def _choices(result: Result) -> str:
    settings, recipe, facts = result.settings, asdict(result.agent.recipe), result.agent.facts
    chosen = {
        "videos": counted(len(result.videos), "video"),
        "with masks": int(result.masked.sum()),
        "under random weights": f"{result.random_videos} of the videos, {settings.random_networks} networks",
        "stretch": f"{result.places.stretch} frames, what the clip of the largest stride spans",
        "explained": f"score of the {settings.target} class, by {settings.composite}",
        "seed": settings.seed,
        "device": settings.device,
        "agent": facts.name,
        "weights": f"{facts.checkpoint.path} (sha256 {facts.checkpoint.sha256 or 'not known'})",
        "architecture": facts.architecture,
    }
    assumed = f"<p>Assumed, since no file states it:</p>{list_html(facts.assumed)}" if facts.assumed else ""
    parts = [chosen, {spoken(name): value for name, value in recipe.items()}, versions()]
    return "".join(facts_html((name, str(value), "") for name, value in part.items()) for part in parts) + assumed


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]], title: str) -> str:
    body = "".join(_cells(list(row)) for row in rows)
    return table_html(head, body, kind="numbers", caption=title, label=title)


def _cells(row: list[Any]) -> str:
    cells = "".join(f"<td>{escape(str(cell))}</td>" for cell in row[1:])
    return f'<tr><th scope="row">{escape(str(row[0]))}</th>{cells}</tr>'
