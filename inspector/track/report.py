"""A track as one HTML file that works offline: words, film, curves, tables, and everything that was assumed."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from inspector.draw.palette import BAR, region_colours
from inspector.errors import RecordingError
from inspector.files import plain, replacing, write_error
from inspector.regions import BACKGROUND
from inspector.track.found import Found, Series
from inspector.track.measures import MEASURES, Onset
from inspector.track.names import cut_off, onset_words
from inspector.track.report_words import explained_text, failures_html, sections_html, summary_html
from inspector.track.result import EVERYWHERE, Curve
from inspector.track.terms import SOURCES
from inspector.track.tracker import Track
from inspector.track.words import played_text, spoken

REPORT_FILE = "report.html"

_TERMS = ("unit", "state", "group", "result", "result_line", "source", "digits", "sign", "stacked")
"""Words that the page's script uses."""

_DIGITS = 5
"""Significant digits of the numbers in the page."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the film that shows one checkpoint.

    Attributes:
        frames: Frames that the checkpoint was trained for, or clips.
        start: When it begins, in seconds of the film.
        end: When the next thing is shown.
    """

    frames: int
    start: float
    end: float


def write_report(track: Track, folder: Path, *, film: Path | None, times: Sequence[Chapter] | None = None) -> Path:
    """Write `report.html` of agents that play; arguments and errors are those of `write_page`."""
    return write_page(track, sections_html(track), folder, film=film, times=times)


def write_page(
    track: Found, sections: str, folder: Path, *, film: Path | None, times: Sequence[Chapter] | None = None
) -> Path:
    """Write `report.html`.

    Args:
        track: What was found.
        sections: What stands at the end, as HTML: definitions, limits, choices.
        folder: Where the report lands.
        film: An MP4 file that becomes part of the report; None for a report without.
        times: When the film shows which checkpoint of the first series, in the order of time; each may come several
            times. None leaves film and slider apart.

    Returns:
        The file.

    Raises:
        RecordingError: If the film cannot be read or the report not be written.
    """
    page = page_html(track, sections, _read(film) if film else b"", times or ())
    path = folder / REPORT_FILE
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8")
    return path


def report_html(track: Track, film: bytes = b"", chapters: Sequence[Chapter] = ()) -> str:
    """The report of agents that play as text; see `page_html`."""
    return page_html(track, sections_html(track), film, chapters)


def page_html(track: Found, sections: str, film: bytes = b"", chapters: Sequence[Chapter] = ()) -> str:
    """The report as text; what comes from files and names is escaped, and a policy forbids the page all requests."""
    here, terms = files("inspector.track"), track.terms
    style, script = (here.joinpath(f"report.{kind}").read_text("utf-8") for kind in ("css", "js"))
    names = ", ".join(dict.fromkeys(one.source.name for one in track.series))
    data = json.dumps(plain(report_data(track, chapters)), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Template(here.joinpath("report.html").read_text("utf-8")).substitute(
        policy=_policy(style, script),
        title=escape(f"{terms.title}: attention over training"),
        moments=escape(f"{terms.moment}s"),
        states=escape(f"{terms.state}s".capitalize()),
        trained=escape(terms.unit),
        result=escape(terms.caption[0]),
        result_key=escape(terms.caption[1]),
        stacked=escape(terms.stacked),
        names=escape(names),
        lead=escape(_lead(track)),
        style=style,
        script=script,
        summary=summary_html(track),
        failures=failures_html(track),
        sections=sections,
        data=data.replace("<", "\\u003c"),  # else a name could end the script element
        film=base64.b64encode(film).decode("ascii"),
    )


def report_data(track: Found, chapters: Sequence[Chapter] = ()) -> dict[str, Any]:
    """What the curves and the table of the page are drawn from; its numbers are those of `attention.parquet`."""
    names, terms = track.series[0].curves[0].names, track.terms
    colours = [BAR if name == BACKGROUND else colour for name, colour in zip(names, region_colours(names), strict=True)]
    return {  # BAR: the grey that fills areas of the background is too dark for a line on the ground
        "regions": [
            {"name": name, "label": spoken(name), "colour": "rgb({}, {}, {})".format(*colour)}
            for name, colour in zip(names, colours, strict=True)
        ],
        "sources": dict(terms.sources),
        "terms": {name: getattr(terms, name) for name in _TERMS},
        "explanations": [{**asdict(one), "label": explained_text(one, terms)} for one in track.explanations],
        "series": _series(track, names),
        "chapters": _numbered(chapters),
    }


def _policy(style: str, script: str) -> str:
    """Nothing may be fetched; of code and style only these very texts count."""
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script))
    style_hash, script_hash = (f"'sha256-{one}'" for one in hashes)
    return (
        f"default-src 'none'; style-src {style_hash}; script-src {script_hash}; media-src blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _lead(track: Found) -> str:
    terms, checkpoints = track.terms, sum(len(one.members) for one in track.series)
    rated = any(len(found) for one in track.series for found in one.returns)
    results = f"{terms.source}: {played_text(track)}" if rated else f"no {terms.source}"
    runs = f" of {len(track.series)} training runs" if len(track.series) > 1 else ""
    return f"{terms.subject} · {checkpoints} checkpoints{runs} · {track.state_count} {terms.saved} · {results}"


def _series(track: Found, names: Sequence[str]) -> list[dict[str, Any]]:
    """Every series with its curves and numbers."""
    numbers = _numbers(track, names)
    return [
        {
            "name": one.source.name,
            "frames": [member.frames for member in one.members],
            "returns": one.returns,
            "ends": one.ends,
            "cut": cut_off(track, one),
            "stacked": [_curve_by_frame(curve) for curve in one.stacked],
            "curves": [_curve(curve) for curve in one.curves],
            "numbers": [_of_sources(one, curve, numbers) for curve in one.curves],
            "bundles": _bundles(track, one, names),
        }
        for one in track.series
    ]


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "area": [_short(share) for share in curve.area],
        "random": [_short(share) for share in curve.random],
        "onsets": [_onset(curve.onsets.get(name), int(curve.frames[0]), curve.unit) for name in curve.names],
    }


def _curve_by_frame(curve: Curve) -> dict[str, Any]:
    """Shares of the stacked frames, (checkpoints, frames) each, with what is nothing special of each frame."""
    numbers = {name: getattr(curve, name) for name in ("share", "low", "high")}
    short = {name: [[_short(value) for value in row] for row in rows.tolist()] for name, rows in numbers.items()}
    return short | {"area": [_short(one) for one in curve.area], "random": [_short(one) for one in curve.random]}


def _onset(found: Onset | None, first: int, unit: str) -> dict[str, Any] | None:
    """An onset with its words; `early` if it may lie before the first checkpoint, where nobody looked."""
    if found is None:
        return None
    return asdict(found) | {"text": onset_words(found, first, unit), "early": found.low == first}


_Key = tuple[str, str, str, str, int]
"""Series, composite, target, source and frames."""


def _of_sources(one: Series[Any], curve: Curve, numbers: Mapping[_Key, dict[str, Any]]) -> dict[str, Any]:
    """The numbers of every checkpoint on each kind of states; None for a kind without any."""
    about = (one.source.name, curve.explaining.composite, curve.explaining.target)
    found = {
        source: [numbers.get((*about, source, member.frames)) for member in one.members] for source in ("probe", "play")
    }
    return {source: some if any(some) else None for source, some in found.items()}


def _numbers(track: Found, names: Sequence[str]) -> dict[_Key, dict[str, Any]]:
    """Rows of `attention.parquet` by checkpoint: of a measure (regions, 3), mean and interval.

    `stacked` is the share of positive relevance of each stacked frame, (regions, stack); `states` and `episodes` are
    how many are behind all that.
    """
    places = {name: number for number, name in enumerate(names)}
    stack = track.stack
    found: dict[_Key, dict[str, Any]] = {}
    for row in track.attention.to_pylist():
        if row["source"] not in SOURCES or row["measure"] not in MEASURES or row["region"] == EVERYWHERE:
            continue
        key = (row["series"], row["composite"], row["target"], row["source"], row["frames"])
        there = found.setdefault(key, _empty(len(names), stack) | {"episodes": row["episodes"]})
        region, measure, frame = places[row["region"]], row["measure"], row["stacked_frame"]
        if frame is None:
            there[measure][region] = [_short(row[name]) for name in ("mean", "low", "high")]
            there["states"] = max(there["states"], row["states"])
        elif measure == "positive_share":
            there["stacked"][region][frame] = _short(row["mean"])
    return found


def _empty(regions: int, stack: int) -> dict[str, Any]:
    measures = {measure: [[None, None, None] for _ in range(regions)] for measure in MEASURES}
    return {**measures, "stacked": [[None] * stack for _ in range(regions)], "states": 0}


def _bundles(track: Found, one: Series[Any], names: Sequence[str]) -> dict[str, Any] | None:
    """Shares that sets of regions have in the relevance of hidden neurons (ATOMs); None where they were not measured.

    A share has the sum over all sets as its whole: amounts of two checkpoints differ as the size of their scores does.
    """
    amounts: dict[int | None, dict[str, float]] = {}  # by frames trained; None: untrained networks
    for row in track.attention.to_pylist():
        if row["measure"] == "atom_combinatorial" and row["series"] == one.source.name:
            amounts.setdefault(row["frames"], {})[row["region"]] = row["mean"] or 0.0
    if not amounts:
        return None
    sets = sorted({name for each in amounts.values() for name in each})

    def shares(frames: int | None) -> list[float | None]:
        there = amounts.get(frames, {})
        whole = sum(there.values())
        return [_short(there.get(name, 0.0) / whole) if whole else None for name in sets]

    return {
        "sets": [[place for place, name in enumerate(names) if name in one_set.split(" + ")] for one_set in sets],
        "shares": [shares(member.frames) for member in one.members],
        "untrained": shares(None),
    }


def _numbered(chapters: Sequence[Chapter]) -> list[dict[str, Any]]:
    """Chapters with the number of their part: a run through the checkpoints in order. The slider stays within one."""
    numbered: list[dict[str, Any]] = []
    for before, one in zip((None, *chapters), chapters, strict=False):
        part = numbered[-1]["part"] if numbered else 0
        numbered.append(asdict(one) | {"part": part + bool(before and one.frames <= before.frames)})
    return numbered


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")


def _read(film: Path) -> bytes:
    try:
        return film.read_bytes()
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise RecordingError(f"there is no film at {film}: write the report without one") from error
        raise write_error(film, error) from error
