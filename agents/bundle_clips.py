"""Make an agent to ship out of a run of `train_clips.py`: its weights, agent.toml, card.md and curve.svg.

    python agents/bundle_clips.py runs/motion-digits --compare runs/motion-digits-2 --out agents/motion-digits

Everything on the card comes from the runs' own files: settings.json, curve.csv, evaluation.json and the checkpoints.
"""

import argparse
import hashlib
import math
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import motion_digits as digits
import numpy as np
import torch
from bundle import ticks, toml
from train_clips import (
    DEVIATION,
    FRAMES,
    MEAN,
    STRIDES,
    Settings,
    TrainerError,
    VideoResNet,
    checkpoint_files,
    read_evaluations,
    read_settings,
    write,
)

VIEW = "stride 1"
"""Of the views that `evaluate` shows, the one whose accuracy stands for a checkpoint."""

WINDOW = 50
"""Training batches that a point of the curve is the mean of, as train_clips.py writes it."""

BLUE, ORANGE, GREY = "#3b82c4", "#d9730d", "#7a828c"


def describe(settings: Settings, name: str, last: Path) -> dict[str, Any]:
    """What agent.toml says of the agent, but for its checkpoints."""
    return {
        "agent": {"kind": "clips", "name": name, "classes": list(digits.CLASSES)},
        "network": {"architecture": "video_resnet"},
        "recipe": {
            "frames": FRAMES,
            "resize": [digits.SIZE, digits.SIZE],
            "crop": [digits.SIZE, digits.SIZE],
            "mean": [MEAN] * 3,
            "std": [DEVIATION] * 3,
        },
        "provenance": {
            "trainer": "agents/train_clips.py",
            "command": settings.command,
            "seed": settings.seed,
            "clips": int(last.stem),
            "date": time.strftime("%Y-%m-%d", time.gmtime(last.stat().st_mtime)),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }


def evaluations(folder: Path) -> dict[str, dict[str, Any]]:
    """What was measured of a run's checkpoints, by the digest of their weights.

    Raises:
        TrainerError: If they were not all shown the same videos.
    """
    found = read_evaluations(folder)
    if len({(e["videos_per_class"], e["seed"]) for e in found}) > 1:
        raise TrainerError(f"{folder}: checkpoints were evaluated on different videos; evaluate all of them alike")
    return {e["sha256"]: e for e in found}


def checkpoint_entry(name: str, data: bytes, measured: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What agent.toml says of a checkpoint."""
    digest = hashlib.sha256(data).hexdigest()
    entry: dict[str, Any] = {"clips": int(Path(name).stem), "file": name, "sha256": digest}
    if digest in measured:
        entry |= {key: measured[digest]["views"][VIEW][key] for key in ("accuracy", "interval", "videos")}
    return entry


def bundle(arguments: argparse.Namespace) -> int:
    """Write a run as an agent to ship; nothing is written before all of it is known."""
    folder, out, settings = arguments.run, arguments.out, read_settings(arguments.run)
    if out.exists() and any(out.iterdir()) and not (out / "agent.toml").exists():
        raise TrainerError(f"{out} is not empty and no agent: it has no agent.toml; give another folder by --out")
    paths, measured, last = checkpoint_files(folder, None), evaluations(folder), last_of(folder)
    others = [] if arguments.compare is None else [last_of(arguments.compare, last[1])]
    files = {f"checkpoints/{path.name}": path.read_bytes() for path in paths}
    entries = [checkpoint_entry(name, data, measured) for name, data in files.items()]
    tables = describe(settings, out.resolve().name, paths[-1]) | {"checkpoint": entries}
    shown = [measured[entry["sha256"]] for entry in entries if entry["sha256"] in measured]
    curve = read_curve(folder)
    files["curve.svg"] = curve_svg([(clips, share) for clips, share, _ in curve[WINDOW - 1 :]], shown).encode()
    files["card.md"] = card(tables, settings, shown, others, minutes(curve), arguments.note).encode()
    files["agent.toml"] = toml(tables).encode()
    for name, data in files.items():
        write(out / name, data)
    for stale in set((out / "checkpoints").glob("*.safetensors")) - {out / name for name in files}:
        stale.unlink()
    size = sum(map(len, files.values()))
    print(f"{len(entries)} checkpoints, {len(shown)} of them evaluated, {size / 1e6:.1f} MB: {out}")
    return 0


def last_of(folder: Path, beside: dict[str, Any] | None = None) -> tuple[Settings, dict[str, Any]]:
    """Settings of a run, and what was measured of its last checkpoint.

    Raises:
        TrainerError: If it was not evaluated, or on other videos than the one beside it.
    """
    paths, measured = checkpoint_files(folder, None), evaluations(folder)
    digest = hashlib.sha256(paths[-1].read_bytes()).hexdigest() if paths else ""
    if digest not in measured:
        raise TrainerError(f"{folder}: the last checkpoint was not evaluated; run train_clips.py evaluate {folder}")
    last = measured[digest]
    if beside and any(last[key] != beside[key] for key in ("videos_per_class", "seed")):
        raise TrainerError(f"{folder} was evaluated on other videos; evaluate it alike")
    return read_settings(folder), last


# --- the curve --------------------------------------------------------------------------------------------------------


def read_curve(folder: Path) -> list[tuple[int, float, float]]:
    """Clips, share of right answers in the last 50 batches and seconds since the start or resume, of every batch."""
    lines = (folder / "curve.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines if line.count(",") == 3]
    return [(int(clips), float(share), float(seconds)) for clips, _, share, seconds in rows]


def minutes(curve: Sequence[tuple[int, float, float]]) -> float:
    """Time that the batches of a run took, over all its resumes."""
    seconds = [row[2] for row in curve]
    ends = [now for now, later in zip(seconds, [*seconds[1:], 0.0], strict=False) if later < now]
    return sum(ends) / 60


def curve_svg(curve: Sequence[tuple[int, float]], shown: Sequence[dict[str, Any]]) -> str:
    """Accuracy over training: a line of training clips, and a point with its interval for each evaluation.

    The ground is left clear and every colour keeps a contrast of 3 or more on white and on near-black.
    """
    width, height, left, right, top, bottom = 720, 340, 56, 28, 52, 44
    thin = [curve[i] for i in np.linspace(0, len(curve) - 1, min(300, len(curve))).astype(int)] if curve else []
    last = max([x for x, _ in thin] + [e["clips"] for e in shown] + [1])

    def at(clips: float, share: float) -> tuple[float, float]:
        # By square roots: checkpoints lie at doubling distances, and would crowd at the left else.
        x = left + math.sqrt(clips / last) * (width - left - right)
        return round(x, 1), round(height - bottom - share * (height - top - bottom), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" '
        f'font-size="12" fill="{GREY}">',
        "<title>Accuracy over training</title>",
    ]
    for value in ticks(0, 1):
        y = at(0, value)[1]
        parts.append(f'<path d="M{left} {y}H{width - right}" stroke="{GREY}" stroke-opacity=".3"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{100 * value:.0f} %</text>')
    chance = at(0, 1 / len(digits.CLASSES))[1]
    parts.append(f'<path d="M{left} {chance}H{width - right}" stroke="{GREY}" stroke-dasharray="4 4"/>')
    parts.append(f'<text x="{width - right}" y="{chance - 5}" text-anchor="end">chance</text>')
    for clips in [0, *(e["clips"] for e in shown if e["clips"] >= last / 40)]:
        x = at(clips, 0)[0]
        parts.append(f'<path d="M{x} {height - bottom}v5" stroke="{GREY}"/>')
        parts.append(f'<text x="{x}" y="{height - bottom + 18}" text-anchor="middle">{clips:,}</text>')
    parts.append(f'<text x="{width - right}" y="{height - 8}" text-anchor="end">clips trained, by square roots</text>')
    line = " ".join(f"{x},{y}" for x, y in (at(*point) for point in thin))
    parts.append(f'<polyline points="{line}" fill="none" stroke="{GREY}" stroke-width="1.2"/>')
    for name, colour in ((f"stride {STRIDES[-1]}", BLUE), (VIEW, ORANGE)):
        for e in shown:
            view = e["views"][name]
            (x, y), (_, y0), (_, y1) = (at(e["clips"], share) for share in (view["accuracy"], *view["interval"]))
            parts.append(f'<path d="M{x} {y0}V{y1}" stroke="{colour}" stroke-width="1.5"/>')
            parts.append(f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>')
    text = f"line: clips of training (medium and fast, stride 1), last {WINDOW} batches"
    parts.append(f'<text x="{left}" y="16">{text}</text>')
    text = "held-out videos, 95 % interval:"
    parts.append(f'<text x="{left}" y="34">{text} <tspan fill="{ORANGE}">{VIEW}</tspan>, ')
    parts.append(f'<tspan fill="{BLUE}">stride {STRIDES[-1]}</tspan></text>')
    return "\n".join([*parts, "</svg>", ""])


# --- the card ---------------------------------------------------------------------------------------------------------

CARD = """# {name}

A classifier of short videos: {count} checkpoints of one training run, from {first:,} to {trained:,} clips, for
looking at what a video network looks at, and when. Written by `agents/bundle_clips.py` from the run's own files.

## What it watches

Clips of {frames} frames of {size}x{size} pixels. In each a handwritten digit moves over a textured ground, and the
class is the motion: {classes}.
The videos are made by `agents/motion_digits.py` out of scikit-learn's `load_digits`, and

    python agents/train_clips.py generate videos/motion-digits --seed {videos_seed}

writes the first of those that are measured below, a folder a class, with masks of the digit. A clip of training starts
anywhere in a video of {length} frames, at stride 1. Held out are every fifth digit; the grounds, half of which are of
a kind never trained on (waves); and a third of the speeds, slower than any trained on.

## How well it recognises

| clips | stride 1 | 95 % interval | {later_strides} | still | shuffled |
|---:|---:|:---:|{rule}---:|---:|
{rows}

In percent, of {videos} held-out videos ({per_class} a class), the same for all; chance is {chance:.1f}. A clip lies in
the middle of its video; with stride 2 it is made of every second frame, so that the video plays twice as fast. No
other stride than 1 was trained on. `still` is the clip's middle frame {frames} times: there is no motion to see.
`shuffled` is the clip's frames in a random order. All of them are there, but not which came first; what runs can still
be told (x, y, angle or size), which way it runs cannot, so that 50 % could be reached. Intervals are Wilson's, over
videos. The weights are those that ship, in float32; the frames are as drawn, not yet compressed to a file.

![Accuracy over training](curve.svg)

## The last checkpoint

Held-out videos at stride 1, by class, in percent:

| class | recognised | 95 % interval |
|---|---:|:---:|
{classes_table}

Rows are what is shown, columns what is recognised, in videos:

| | {class_columns} |
|---|{class_rule}
{confusion}

By stride, in percent with 95 % intervals:

| videos | count | {strides} |
|---|---:|{stride_rule}
{parts}

Speeds are slow from {slow[0]:g} to {slow[1]:g} (none of them was trained on), medium to {medium[1]:g} and fast to
{fast[1]:g}, where 1 is a pixel, 3 degrees or 2 % of the size a frame. Waves are grounds that were not trained on.
{seeds}
## Network

`video_resnet`: a 3x5x5 convolution and three residual blocks of two 3x3x3 convolutions, each with batch norm, of
{width} to {widest} channels; frames are halved twice, rows and columns four times; the mean over time and space; a
linear head. {parameters:,} parameters.

## How it was made

    {command}

Seed {seed}, float32, AdamW with a learning rate of {learning_rate:g} that falls to 0 as a cosine does; {minutes:.0f}
minutes. {date}, torch {torch}, Python {python}.{note}

## Limits

- One run with one seed: the intervals say how much videos differ, not how much training runs do.
- The world is a toy: one object, one motion, a still camera and a ground that never moves.
- The line of the figure is of training clips, while the weights changed, and of medium and fast speeds alone; the
  tables are the measurement.
"""

SEEDS = """
## Another seed

The last checkpoint of `{command}`,
shown the same videos, in percent with 95 % intervals:

| seed | {names} |
|---:|{rule}
{rows}
"""


def percent(view: dict[str, Any]) -> str:
    """An accuracy in percent."""
    return f"{100 * view['accuracy']:.1f}"


def interval(view: dict[str, Any]) -> str:
    """The interval of an accuracy in percent."""
    return "{:.1f} to {:.1f}".format(*(100 * end for end in view["interval"]))


def both(view: dict[str, Any]) -> str:
    """An accuracy with its interval, for a cell."""
    return f"{percent(view)} ({interval(view)})"


def checkpoint_rows(entries: Sequence[dict[str, Any]], shown: Sequence[dict[str, Any]]) -> str:
    """The accuracy of every checkpoint, by view."""
    rows = {entry["clips"]: f"| {entry['clips']:,} | not evaluated |" + " |" * (len(STRIDES) + 2) for entry in entries}
    for e in shown:
        first, *others = e["views"].values()
        cells = [percent(first), interval(first), *map(percent, others)]
        rows[e["clips"]] = f"| {e['clips']:,} | " + " | ".join(cells) + " |"
    return "\n".join(rows.values())


def part_rows(views: dict[str, Any]) -> str:
    """The accuracy by stride of all videos, and by speed and ground."""
    strides = [views[f"stride {stride}"] for stride in STRIDES]
    found = {"all": strides}
    for part in ("third", "ground"):
        for name in strides[0][f"by_{part}"]:
            found[name] = [view[f"by_{part}"][name] for view in strides]
    rows = (f"| {name} | {of[0]['videos']} | " + " | ".join(map(both, of)) + " |" for name, of in found.items())
    return "\n".join(rows)


def seed_rows(last: dict[str, Any], seed: int, others: Sequence[tuple[Settings, dict[str, Any]]]) -> str:
    """The section on runs with another seed; nothing without one."""
    if not others:
        return ""
    runs = [(seed, last), *((settings.seed, entry) for settings, entry in others)]
    rows = (f"| {number} | " + " | ".join(map(both, entry["views"].values())) + " |" for number, entry in runs)
    names = list(last["views"])
    command = others[0][0].command
    return SEEDS.format(command=command, names=" | ".join(names), rule="---:|" * len(names), rows="\n".join(rows))


def card(
    tables: dict[str, Any],
    settings: Settings,
    shown: Sequence[dict[str, Any]],
    others: Sequence[tuple[Settings, dict[str, Any]]],
    took: float,
    note: str,
) -> str:
    """The agent's card, from the same data as agent.toml."""
    classes, entries, last = tables["agent"]["classes"], tables["checkpoint"], shown[-1]
    first = last["views"][VIEW]
    named = zip(classes, first["confusion"], strict=True)
    tested = [[name, percent(view), interval(view)] for name, view in first["by_class"].items()]
    return CARD.format(
        **tables["agent"] | tables["provenance"] | {"classes": ", ".join(classes)},
        count=len(entries),
        first=entries[0]["clips"],
        trained=entries[-1]["clips"],
        frames=FRAMES,
        size=digits.SIZE,
        length=digits.LENGTH,
        videos_seed=last["seed"],
        later_strides=" | ".join(f"stride {stride}" for stride in STRIDES[1:]),
        rule="---:|" * len(STRIDES[1:]),
        rows=checkpoint_rows(entries, shown),
        videos=first["videos"],
        per_class=last["videos_per_class"],
        chance=100 / len(classes),
        classes_table="\n".join(f"| {' | '.join(row)} |" for row in tested),
        class_columns=" | ".join(classes),
        class_rule="---:|" * len(classes),
        confusion="\n".join(f"| {name} | {' | '.join(map(str, row))} |" for name, row in named),
        strides=" | ".join(f"stride {stride}" for stride in STRIDES),
        stride_rule="---:|" * len(STRIDES),
        parts=part_rows(last["views"]),
        **digits.THIRDS,
        seeds=seed_rows(last, settings.seed, others),
        width=settings.width,
        widest=4 * settings.width,
        parameters=sum(one.numel() for one in VideoResNet(settings.width, len(classes)).parameters()),
        learning_rate=settings.learning_rate,
        minutes=took,
        note=f" {note}" if note else "",
    )


def main(words: Sequence[str] | None = None) -> int:
    """Parse the command line; what cannot be done is one line on stderr."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="the run's folder, evaluated")
    text = "the agent's folder, as agents/motion-digits; its name is the agent's"
    parser.add_argument("--out", type=Path, required=True, help=text)
    text = "a run of another seed, evaluated likewise, for the card"
    parser.add_argument("--compare", type=Path, metavar="RUN", help=text)
    parser.add_argument("--note", default="", help="a sentence for the card on how the run went")
    try:
        return bundle(parser.parse_args(words))
    except (TrainerError, OSError) as error:
        print(f"bundle_clips: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
