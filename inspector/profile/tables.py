"""What a profile leaves for other programs: two tables and a manifest."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from inspector.files import plain, replacing, write_json
from inspector.profile.choice import RULE
from inspector.profile.measures import KINDS, Estimate, Profile
from inspector.profile.paired import Accuracy
from inspector.profile.places import border, centre, mean_in
from inspector.profile.result import AtStride, Result
from inspector.profile.summary import summary
from inspector.provenance import versions
from inspector.records import LEDGER_PARTS
from inspector.track.plan import rules_of

PROFILE_FILE, VIDEOS_FILE, MANIFEST = "profile.parquet", "videos.parquet", "manifest.json"

NUMBERS = pa.schema(
    [
        pa.field("stride", pa.int32(), nullable=False),
        pa.field("measure", pa.string(), nullable=False),
        pa.field("kind", pa.string()),
        pa.field("position", pa.int32()),
        pa.field("network", pa.int32()),
        pa.field("mean", pa.float64()),
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("videos", pa.int32(), nullable=False),
    ]
)
"""`profile.parquet`: a row a number. `network` is the seed of random weights, null for the agent's own."""

VIDEOS = pa.schema(
    [
        pa.field("video", pa.string(), nullable=False),
        pa.field("class", pa.string(), nullable=False),
        pa.field("frames", pa.int64(), nullable=False),
        pa.field("masked", pa.bool_(), nullable=False),
        pa.field("stride", pa.int64(), nullable=False),
        pa.field("recognised", pa.string()),  # null where the scores are no numbers, as all of the other such
        pa.field("probability", pa.float64()),
        pa.field("true_probability", pa.float64()),
        pa.field("right", pa.bool_(), nullable=False),
        pa.field("stretch_recognised", pa.string()),
        pa.field("stretch_probability", pa.float64()),
        pa.field("stretch_right", pa.bool_(), nullable=False),
        pa.field("explained_score", pa.float64()),
        pa.field("finite", pa.bool_(), nullable=False),
        *(pa.field(f"{part}_position_{kind}", pa.float64()) for part in ("border", "centre") for kind in KINDS),
        pa.field("region_area", pa.float64()),
        *(pa.field(f"region_share_{kind}", pa.float64()) for kind in KINDS),
        *(pa.field(f"ledger_{part}", pa.float64()) for part in LEDGER_PARTS),
    ]
)
"""`videos.parquet`: a row a video and stride."""


def write_tables(result: Result, folder: Path) -> None:
    """Write both tables and the manifest.

    Raises:
        RecordingError: If they cannot be written.
    """
    tables = ((PROFILE_FILE, number_rows(result), NUMBERS), (VIDEOS_FILE, video_rows(result), VIDEOS))
    for name, rows, schema in tables:
        with replacing(folder / name) as part:
            pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), part, compression="zstd")
    write_json(folder / MANIFEST, manifest_of(result))


def number_rows(result: Result) -> Iterator[dict[str, Any]]:
    """Rows of `profile.parquet`."""
    for stride, one in result.at.items():
        for measure, found in (("accuracy", one.accuracy), ("stretch_accuracy", one.stretch_accuracy)):
            estimate = Estimate(found.share, found.low, found.high)
            yield _row(stride, measure, None, estimate, found.count)
        for kind, profile in one.profiles.items():
            yield from _profile_rows(result, stride, kind, profile)
        yield from _region_rows(result, one)
        if change := result.changes.get(stride):
            yield _row(stride, "ratio_change", "absolute", change.ratio, int(result.counts["absolute"].sum()))
            for network, value in zip(result.networks["absolute"], change.networks, strict=True):
                yield _row(stride, "ratio_change", "absolute", _bare(value), result.random_videos, network=network)


def _profile_rows(result: Result, stride: int, kind: str, profile: Profile) -> Iterator[dict[str, Any]]:
    count, (low, high) = len(profile.shares), profile.interval
    for position, mean in enumerate(profile.mean):
        yield _row(stride, "share", kind, Estimate(mean, low[position], high[position]), count, position=position)
    yield _row(stride, "border_centre_ratio", kind, profile.ratio, count)
    for number, (seed, shares) in enumerate(zip(result.networks[kind], profile.networks, strict=True)):
        about = {"network": seed}
        for position, mean in enumerate(shares):
            yield _row(stride, "share", kind, _bare(mean), result.random_videos, position=position, **about)
        ratio = _bare(profile.network_ratios[number])
        yield _row(stride, "border_centre_ratio", kind, ratio, result.random_videos, **about)


def _region_rows(result: Result, one: AtStride) -> Iterator[dict[str, Any]]:
    for kind, region in one.regions.items():
        if region is None:
            continue
        for measure, found in (("region_share", region.share), ("region_area", region.area),
                               ("region_density", region.density)):  # fmt: skip
            yield _row(one.stride, measure, kind, found, region.videos)
        for position, mean in enumerate(region.by_position):
            yield _row(one.stride, "region_share", kind, _bare(mean), region.videos, position=position)
        for seed, mean in zip(result.networks[kind], region.networks, strict=True):
            yield _row(one.stride, "region_share", kind, _bare(mean), result.random_videos, network=seed)


def _bare(mean: float) -> Estimate:
    return Estimate(float(mean), np.nan, np.nan)


def _row(stride: int, measure: str, kind: str | None, found: Estimate, videos: int, **about: Any) -> dict[str, Any]:
    numbers = {name: _number(value) for name, value in asdict(found).items()}
    return {"stride": stride, "measure": measure, "kind": kind, "videos": videos, **numbers, **about}


def video_rows(result: Result) -> Iterator[dict[str, Any]]:
    """Rows of `videos.parquet`: a video at a stride."""
    names = result.agent.class_names
    for one in result.at.values():
        parts = {kind: _position_shares(one.found[kind]) for kind in KINDS}
        for i, video in enumerate(result.videos):
            yield {
                "video": video.name,
                "class": names[video.label],
                "frames": int(result.frame_counts[i]),
                "masked": bool(result.masked[i]),
                "stride": one.stride,
                **_best(one.probabilities[i], names),
                "true_probability": _number(one.probabilities[i, video.label]),
                "right": bool(one.right[i]),
                **{f"stretch_{name}": value for name, value in _best(one.stretch[i], names).items()},
                "stretch_right": bool(one.stretch_right[i]),
                "explained_score": _number(one.found["score"][i]),
                "finite": bool(one.found["finite"][i]),
                **{f"border_position_{kind}": border[i] for kind, (border, _) in parts.items()},
                **{f"centre_position_{kind}": centre[i] for kind, (_, centre) in parts.items()},
                **_region_of(one, i, masked=bool(result.masked[i])),
                **{f"ledger_{part}": _number(one.found["ledger"][i, k]) for k, part in enumerate(LEDGER_PARTS)},
            }


def _best(probabilities: NDArray[np.float64], names: tuple[str, ...]) -> dict[str, Any]:
    """The class that is recognised, with its probability; None of scores that are no numbers."""
    if not np.isfinite(probabilities).all():
        return {"recognised": None, "probability": None}
    best = int(probabilities.argmax())
    return {"recognised": names[best], "probability": float(probabilities[best])}


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _position_shares(amounts: NDArray[np.float64]) -> tuple[list[float | None], list[float | None]]:
    """Mean share of a border and of a centre position of each video; None of a video without relevance."""
    whole, frames = amounts.sum(1), amounts.shape[1]
    border_means, centre_means = (mean_in(amounts, part(frames)) for part in (border, centre))

    def shares(means: NDArray[np.float64]) -> list[float | None]:
        return [float(mean / total) if total > 0 else None for mean, total in zip(means, whole, strict=True)]

    return shares(border_means), shares(centre_means)


def _region_of(one: AtStride, i: int, *, masked: bool) -> dict[str, float | None]:
    area = float(one.found["area"][i].mean()) if masked else None
    shares = {
        f"region_share_{kind}": float(one.found[f"region_{kind}"][i].sum() / whole) if masked and whole > 0 else None
        for kind in KINDS
        for whole in [float(one.found[kind][i].sum())]
    }
    return {"region_area": area, **shares}


def manifest_of(result: Result) -> dict[str, Any]:
    """All that a reader of the tables has to know, and what was found, in numbers and words."""
    return {
        "agent": asdict(result.agent.facts),
        "classes": result.agent.class_names,
        "recipe": asdict(result.agent.recipe),
        "source": str(result.source),
        "settings": asdict(result.settings),
        "rules": rules_of(result.settings.composite),
        "positions": {name: part(result.places.frames) for name, part in (("border", border), ("centre", centre))},
        "videos": {
            "counted": len(result.videos),
            "masked": int(result.masked.sum()),
            "with_relevance": {kind: int(counts.sum()) for kind, counts in result.counts.items()},
            "under_random_weights": result.random_videos,
            "networks_with_relevance": {kind: len(seeds) for kind, seeds in result.networks.items()},
            "stretch_frames": result.places.stretch,
            "by_class": {
                name: sum(video.label == number for video in result.videos)
                for number, name in enumerate(result.agent.class_names)
            },
        },
        "left_out": [asdict(one) for one in result.left_out],
        "strides": [_stride_facts(one) for one in result.at.values()],
        "compared_with_smallest_stride": [asdict(one) for one in result.compared],
        "compared_with_smallest_stride_on_the_stretch": [asdict(one) for one in result.stretch_compared],
        "border_centre_changes": [
            {
                "stride": stride,
                "times": asdict(one.ratio),
                "verdict": one.verdict,
                "random": one.null and dict(zip(("least", "most"), one.null, strict=True)),
            }
            for stride, one in result.changes.items()
        ],
        "choice_by_relevance": result.choice and {"rule": RULE, **plain(result.choice)},
        "summary": summary(result),
        "versions": versions(),
        "seconds": dict(result.seconds),
    }


def _stride_facts(one: AtStride) -> dict[str, Any]:
    def counted(found: Accuracy) -> dict[str, Any]:
        return {"share": found.share, **asdict(found)}

    return {
        "stride": one.stride,
        "accuracy": counted(one.accuracy),
        "stretch": {"clips": one.stretch_clips, "accuracy": counted(one.stretch_accuracy)},
        "positive_scores": int((one.found["score"] > 0).sum()),
        "border_centre": {
            kind: {
                "ratio": asdict(found.ratio),
                "random": {"mean": found.null_ratio, "least": found.network_ratios.min(),
                           "most": found.network_ratios.max()},
                "excess": asdict(found.excess),
                "verdict": found.verdict,
            }
            for kind, found in one.profiles.items()
        },
        "region": {
            kind: found
            and {
                "share": asdict(found.share),
                "area": asdict(found.area),
                "density": asdict(found.density),
                "random": found.null and dict(zip(("least", "most"), found.null, strict=True)),
                "videos": found.videos,
            }
            for kind, found in one.regions.items()
        },
    }  # fmt: skip
