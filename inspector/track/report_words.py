"""The words of the report: what was found, and everything that was assumed and chosen, as HTML."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from html import escape
from typing import Any

from inspector.load import CheckpointSeries
from inspector.lrp import METHODS, composite_of, composite_table
from inspector.provenance import versions
from inspector.regions import BACKGROUND
from inspector.track.found import Found, Series
from inspector.track.measures import RESAMPLES
from inspector.track.page_parts import definitions_html, facts_html, list_html, section_html, table_html
from inspector.track.plan import EVERY_PLAYED, EVERY_STATE, text_of
from inspector.track.summary import positive_scores, summary
from inspector.track.terms import Terms
from inspector.track.tracker import Track
from inspector.track.words import spoken, target_text
from inspector.track.work import Explaining

TARGETS = {
    "score": "the score of the best action",
    "contrast": "the score of the best action, less the best other score",
    "advantage": "the score of the best action, less the mean of all scores",
    "value": "the value that the critic gives the state",
}
"""What is explained, by the name of the target."""

PREPROCESSING = {
    "frame_skip": "emulator frames that an action lasts",
    "max_pool": "the observation is the maximum of the last two frames of the skip",
    "grey": "order of the steps that make the grey input: ale, rgb or resize_rgb",
    "height": "rows of the network input",
    "width": "columns of the network input",
    "stack": "frames stacked, oldest first",
    "padding": "what stands before the first frame of an episode",
    "divisor": "pixels 0 to 255 are divided by this before the network",
    "noop_max": "fewer no-ops than this start a game",
    "fire_reset": "FIRE is pressed at the start of a game that has it",
    "episodic_life": "a lost life presses FIRE anew and restarts the stack",
    "sticky": "probability that the console repeats the last action instead",
    "max_frames": "emulator frames after which a game is cut off",
}
"""What each choice of preprocessing means."""

DEFINITIONS = {
    "Share of positive relevance": "The part of a state's positive relevance that lies in the region, averaged over "
    "the states. Over all regions it adds up to 100 %.",
    "Share of absolute relevance": "The same of the size of the relevance, whatever its sign.",
    "Density": "How many times its share by area the region's absolute share is, where the region is there: so a small "
    "ball compares with a wide wall. 1 × is what relevance that fell anywhere alike would give.",
    "Per relevant pixel": "Positive relevance per pixel of the region that has any, where the region is there, in the "
    "unit of the explained score: the mean R of an object in ATOMs (Beylier et al. 2024, arXiv:2406.14324), of one "
    "map. It compares regions of one checkpoint; the scores of two checkpoints differ in size.",
    "By stacked frame": "The share of positive relevance that lies in the region in each of the stacked frames of the "
    "input, each against where the objects were at its own time.",
    "Attended together": "ATOMs, if asked for (Beylier et al. 2024, arXiv:2406.14324): a neuron attends to a region if "
    "its own map has there, per relevant pixel, more than a quarter of what its most relevant region has.",
    "By area": "A null line: the share that the region has of the pixels of the network input.",
    "Untrained networks": "A null line: the share that 19 of 20 networks of the same kind that learned nothing stay "
    "below, in all regions at once. Half of those that it is estimated from are initialised as torch does, half "
    "orthogonally, as PPO of stable-baselines3 and CleanRL.",
    "Onset": "The first checkpoint from which on the share exceeds both null lines at every later checkpoint too. Its "
    "interval is found by drawing anew; it may reach beyond the last checkpoint.",
    "95 % interval": f"States of one episode resemble each other, so whole episodes are drawn anew, {RESAMPLES} times. "
    "It tells of the states, not of other training runs: one run is one run.",
}
"""Every measure in a sentence or two."""

LIMITS = (
    "Relevance is an account of a score: it shares the number out among the pixels of the input. It is not a cause: "
    "whether the agent would act otherwise without a region, only changing the region would tell.",
    "A rise of a share may come from another region's fall, since shares add up to 100 %.",
    "How untrained networks are initialised is a choice: initialised otherwise, they may have another level. It is "
    "estimated from {networks} networks, and so not exact itself.",
    "Another composite is another account. Where several were asked, compare them above.",
    "With a rule that shares by positive contributions alone, black pixels get nothing: a region is seen by its rim "
    "and by what is bright in it.",
    "Attention here is where the relevance of decisions lies. A transformer's attention is something else.",
)
"""What the picture cannot tell."""


def explained_text(explaining: Explaining, terms: Terms) -> str:
    """What is explained and how, in a line."""
    return f"{target_text(explaining.target, targets=terms.targets)}, {explaining.composite}"


def summary_html(track: Found) -> str:
    """The summary in words, a block a series."""
    blocks: list[list[str]] = []
    for line in summary(track):
        if line.startswith(" "):
            blocks[-1].append(f"<p>{escape(line.strip())}</p>")
        else:
            blocks.append([f"<h3>{escape(line)}</h3>"])
    return "".join(f'<div class="found">{"".join(block)}</div>' for block in blocks)


def failures_html(track: Found) -> str:
    """What could not be done, by name; empty if all could."""
    if not track.failures:
        return ""
    items = "".join(f"<li><b>{escape(one.name)}</b>: {escape(one.reason)}</li>" for one in track.failures)
    return f'<div class="warning" id="failures"><b>Left out of all that follows:</b><ul>{items}</ul></div>'


def sections_html(track: Track) -> str:
    """Games, definitions, limits and choices."""
    networks = track.settings.random_networks
    return "".join((_games(track), definitions_html(DEFINITIONS), limits_html(LIMITS, networks), _choices(track)))


def _games(track: Track) -> str:
    """Return and length of every game."""
    if not track.games.num_rows:
        return ""
    rows = {(row["series"], row["frames"], row["seed"]): row for row in track.games.to_pylist()}
    head = ["frames trained", "mean return", *(f"seed {seed}" for seed in track.settings.seeds)]
    tables = []
    for number, one in enumerate(track.series):
        body = "".join(_game_row(one, number, index, rows, track.settings.seeds) for index in range(len(one.members)))
        name = one.source.name
        tables.append(table_html(head, body, kind="games", caption=name, label=f"Games of {name}"))
    note = "Return of each game and, in small type, its length in steps; every checkpoint got the same seeds."
    return section_html("games", "Own games", f'<p class="note">{note}</p>{"".join(tables)}')


def _game_row(
    one: Series[CheckpointSeries],
    number: int,
    index: int,
    rows: Mapping[tuple[str, int, int], Any],
    seeds: Sequence[int],
) -> str:
    frames, returns = one.members[index].frames, one.returns[index]
    mean = f"{returns.mean():.1f}" if len(returns) else "–"
    cells = "".join(_game_cell(rows.get((one.source.name, frames, seed))) for seed in seeds)
    start = f'<tr data-series="{number}" data-frames="{frames}"><th scope="row">{_count(frames)}</th>'
    return f"{start}<td><b>{mean}</b></td>{cells}</tr>"


def _game_cell(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "<td>–<small>failed</small></td>"
    length = f"{row['length']:,} steps" + ("" if row["finished"] else ", cut off")
    return f"<td>{row['return']:g}<small>{length}</small></td>"


def limits_html(limits: Iterable[str], networks: int) -> str:
    """What the picture cannot tell; braces in a text name the number of untrained networks."""
    texts = list_html(one.format(networks=networks) for one in limits)
    return section_html("limits", "What the picture cannot tell", texts)


def choices_html(
    track: Found, target_of: Callable[[str], str], *facts: tuple[str, Iterable[tuple[str, str, str]]]
) -> str:
    """Everything that was assumed and chosen.

    Args:
        track: What was found.
        target_of: Says in words what a target explains.
        facts: Choices of this kind of track: a title each, with names, values and what they mean.
    """
    versioned = ((name, version, "") for name, version in versions().items())
    parts = [
        "<h3>What was explained</h3>",
        *(_explanation(one.composite, target_of(one.target)) for one in track.explanations),
        *(f"<h3>{escape(title)}</h3>{facts_html(rows)}" for title, rows in facts),
        *(part for one in track.series for part in _agent(one, track.terms.unit)),
        f"<h3>Versions</h3>{facts_html(versioned)}",
    ]
    return section_html("choices", "Everything that was assumed and chosen", "".join(parts))


def _explanation(composite: str, target: str) -> str:
    begin = f"<p>{escape(target[0].upper() + target[1:])}, by"
    if composite in METHODS:
        return f"{begin} the method {escape(composite)}.</p>"
    rules, name = json.dumps(composite_table(composite_of(composite)), indent=2), escape(composite)
    return (
        f"{begin} layer-wise relevance propagation with the composite <b>{name}</b>.</p>"
        f"<details><summary>Rules of {name}</summary><pre>{escape(rules)}</pre></details>"
    )


def _choices(track: Track) -> str:
    probe = track.probe
    return choices_html(
        track,
        lambda target: TARGETS.get(target, f"the score of action {target}"),
        ("States and games", _asked(track)),
        ("Game and network input", [("environment", probe.environment, ""), *_recipe(asdict(probe.preprocessing))]),
    )


def _asked(track: Track) -> Iterator[tuple[str, str, str]]:
    settings, probe = track.settings, track.probe
    phases = Counter(state.phase for state in probe.states)
    sources = Counter(state.source for state in probe.states)
    played = (f"{text_of(frames) if frames >= 0 else 'not known'}: {n}" for frames, n in sorted(sources.items()))
    yield "probe set", f"{len(probe)} states of {len(set(probe.groups.tolist()))} episodes", f"digest {probe.digest}"
    yield "phases", ", ".join(f"{name}: {n}" for name, n in phases.items()), "states of each part of the game"
    yield (
        "played by",
        ", ".join(played),
        f"checkpoints that did; one candidate in {EVERY_STATE} steps",
    )
    yield "seeds", ", ".join(map(str, settings.seeds)) or "none", "of the own games, the same for every checkpoint"
    yield "longest game", f"{settings.max_steps:,} steps", "after which a game is left"
    yield "own play", f"one step in {EVERY_PLAYED} explained", "under the first explanation only"
    yield "untrained networks", str(settings.random_networks), "that their null line is made of"
    yield "seed", str(settings.seed), "of all else that is drawn"
    for one in positive_scores(track):
        about = f"had a score above 0: {one['composite']} of {one['target']}, last checkpoint of {one['series']}"
        yield "positive scores", f"{one['positive']} of {one['states']} states", about
    yield "regions", ", ".join(map(spoken, (*probe.names, BACKGROUND))), f"{settings.regions or 'those of the game'}"
    yield "device", settings.device, "where networks ran"


def _recipe(recipe: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, value in recipe.items():
        text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else _plain(value)
        yield spoken(name), text, PREPROCESSING.get(name, "")


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _agent(one: Series[Any], unit: str) -> Iterator[str]:
    """Who was explained: format, network, what was assumed of it, and its files."""
    facts = one.source.facts
    yield f"<h3>{escape(one.source.name)}: the agent</h3>"
    known = {"format": facts.format, "architecture": facts.architecture, "algorithm": facts.algorithm or "not known"}
    yield facts_html((spoken(name), str(value), "") for name, value in (known | facts.provenance).items())
    if facts.assumed:
        yield f"<p>Assumed, since no file states it:</p>{list_html(facts.assumed)}"
    else:
        yield "<p>Nothing was assumed of it: its files state every choice.</p>"
    files = facts_html(_file(one, index, unit) for index in range(len(one.members)))
    yield f"<details><summary>Its {len(one.members)} checkpoints, by file</summary>{files}</details>"


def _file(one: Series[Any], index: int, unit: str) -> tuple[str, str, str]:
    checkpoint = one.members[index].checkpoint
    said = "" if checkpoint.mean_return is None else f"; its file says: mean return {checkpoint.mean_return:g}"
    games = f" over {checkpoint.games} games" if said and checkpoint.games else ""
    path = f"{checkpoint.path}{said}{games}"
    return f"{one.members[index].frames:,} {unit}", path, f"sha256 {checkpoint.sha256}"


def _count(frames: int) -> str:
    return text_of(frames).removesuffix(" frames")
