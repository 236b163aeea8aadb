"""What a profile found, in words."""

from collections.abc import Iterator

import numpy as np

from inspector.profile.measures import LEAST_NETWORKS, Estimate, Profile
from inspector.profile.paired import Accuracy, Comparison
from inspector.profile.result import Result
from inspector.profile.untrained import kept_text
from inspector.track.words import counted

SURE = 0.05
"""Probability below which a difference is taken for one."""

VERDICTS = {
    "border": "more at the border than any network with random weights",
    "centre": "more in the centre than any network with random weights",
    "even": "not told from networks with random weights",
    "few": f"not told, as that takes {LEAST_NETWORKS} networks with random weights",
    "fresh": "not to be compared, as its batch norms have seen no clip and those of the random networks have",
}
"""What the interval of a ratio says beside the ratios of random networks."""

CHANGES = {
    "less": "the border loses more than under any of them",
    "more": "the border gains more than under any of them",
    "even": "not told from random weights",
    "few": f"not told, as that takes {LEAST_NETWORKS} of them",
    "fresh": "not to be compared",
}
"""What the interval of a change says beside the changes of random networks."""


def summary(result: Result) -> list[str]:
    """The findings, a line each; the first says of what."""
    return [line for part in (_what, _accuracies, _faster, _stretch, _borders, _changes, _chosen, _regions, _missing)
            for line in part(result)]  # fmt: skip


def left_out_text(result: Result) -> str:
    """How many videos do not count, and why the first does not; empty if all count."""
    count = sum(one.videos for one in result.left_out)
    if not count:
        return ""
    first = result.left_out[0]
    more = f", and {len(result.left_out) - 1} more" if len(result.left_out) > 1 else ""
    return f"{counted(count, 'video')} left out ({first.name}: {first.reason}{more})"


def _what(result: Result) -> Iterator[str]:
    classes = len({video.label for video in result.videos})
    videos = f"{counted(len(result.videos), 'video')} of {classes} {'class' if classes == 1 else 'classes'}"
    clips = f"one clip of {result.places.frames} frames from the middle of each at every stride"
    null = f"compared with {counted(result.settings.random_networks, 'network')} of random weights"
    yield f"{result.agent.facts.name}: {videos}, {clips}, {null}"


def _accuracies(result: Result) -> Iterator[str]:
    told = ", ".join(f"stride {stride} {accuracy_text(one.accuracy)}" for stride, one in result.at.items())
    yield f"accuracy: {told}"


def _faster(result: Result) -> Iterator[str]:
    if not result.compared:
        return
    base = result.settings.strides[0]
    sure = [one for one in result.compared if one.p_holm < SURE]
    if not sure:
        yield f"faster or not: no stride differs from stride {base} for certain ({_least(result.compared)})"
    for one in sure:
        way = "better" if one.difference > 0 else "worse"
        yield f"faster: stride {one.stride} is {way} than stride {base} by {comparison_text(one)}"


def _least(compared: tuple[Comparison, ...]) -> str:
    one = min(compared, key=lambda found: found.p)
    return f"the least p is {p_text(one.p_holm)}, at stride {one.stride}: {_moved(one)}"


def _moved(one: Comparison) -> str:
    return f"{counted(one.gained, 'video')} gained, {one.lost} lost"


def _stretch(result: Result) -> Iterator[str]:
    """Whether what is gained is only that the clip covers more of the video."""
    if not result.stretch_compared:
        return
    base = result.at[result.settings.strides[0]]
    last = result.stretch_compared[-1]
    told = f"{base.stretch_clips} clips at stride {base.stride} over the same {result.places.stretch} frames: "
    yield (
        f"{told}{accuracy_text(base.stretch_accuracy)}; one clip at stride {last.stride} "
        + (f"differs from that by {comparison_text(last, corrected=False)}" if last.p < SURE
           else f"does not differ from that for certain (p {p_text(last.p)})")
    )  # fmt: skip


def _borders(result: Result) -> Iterator[str]:
    for stride, one in result.at.items():
        yield f"border, stride {stride}: {border_text(one.profiles['absolute'])}"


def border_text(found: Profile) -> str:
    """The ratio beside that of random weights."""
    low, high = found.network_ratios.min(), found.network_ratios.max()
    times = f" ({found.excess.mean:.2f} times their mean)" if np.isfinite(found.excess.mean) else ""
    return (
        f"a border position has {estimate_text(found.ratio)} times the relevance of a centre one, under random weights "
        f"{low:.2f} to {high:.2f}: {VERDICTS[found.verdict]}{times}"
    )


def _changes(result: Result) -> Iterator[str]:
    if not result.changes:
        return
    base, (last, found) = result.settings.strides[0], list(result.changes.items())[-1]
    if np.isfinite(found.ratio.mean):
        yield (
            f"from stride {base} to {last}: the ratio becomes {estimate_text(found.ratio)} times what it was, under "
            f"random weights {null_text(found.null)}: {CHANGES[found.verdict]}"
        )


def null_text(ends: tuple[float, float] | None) -> str:
    """`0.54 to 0.82`; a dash of none."""
    return f"{ends[0]:.2f} to {ends[1]:.2f}" if ends else "–"


def _chosen(result: Result) -> Iterator[str]:
    found = result.choice
    if found is None:
        return
    best = (
        "no stride is the most accurate"
        if len(found.best) == len(result.at)
        else f"the most accurate is {_listed(found.best)}"
    )
    yield (
        f"stride by relevance alone: {found.stride}, in {100 * found.support[found.stride]:.0f} % of the draws, with "
        f"accuracy {accuracy_text(found.chosen)}; {best}; a stride for each video by the same "
        f"rule: {accuracy_text(found.each)}, the surest stride of each: {accuracy_text(found.confident)}"
    )


def _listed(strides: tuple[int, ...]) -> str:
    *first, last = map(str, strides)
    return f"{', '.join(first)} and {last}" if first else last


def _regions(result: Result) -> Iterator[str]:
    found = {stride: one.regions.get("absolute") for stride, one in result.at.items()}
    regions = {stride: region for stride, region in found.items() if region is not None}
    if not regions:
        return
    told = ", ".join(f"stride {stride} {_share_text(region.share)}" for stride, region in regions.items())
    nets = [end for region in regions.values() for end in region.null or ()]
    null = f"; under random weights {_percent(min(nets))} to {_percent(max(nets))} %" if nets else ""
    first = next(iter(regions.values()))
    times = first.density.mean
    told_times = f", so that a pixel of it has {times:.2g} times the mean" if np.isfinite(times) else ""
    videos = "" if first.videos == len(result.videos) else f" ({counted(first.videos, 'video')})"
    yield (
        f"relevance in what masks mark{videos}: {told}; it is {_percent(first.area.mean)} % of the area"
        f"{told_times}{null}"
    )


def _share_text(found: Estimate) -> str:
    ends = f" [{_percent(found.low)}, {_percent(found.high)}]" if found.low <= found.high else ""
    return f"{_percent(found.mean)}{ends} %"


def _missing(result: Result) -> Iterator[str]:
    lost = int((~result.counts["absolute"]).sum())
    if lost:
        yield f"{counted(lost, 'video')} without finite relevance at every stride: counted for the accuracy alone"
    yield from _silent(result)
    if told := left_out_text(result):
        yield told


def _silent(result: Result) -> Iterator[str]:
    """Networks that do not count, as they have no relevance; and weights that are not random."""
    count = result.settings.random_networks
    for kind, seeds in result.networks.items():
        if len(seeds) < count:
            many = f"{count - len(seeds)} of {counted(count, 'network')} with random weights"
            yield f"without {kind} relevance at every stride: {many}, left out there"
    if told := kept_text(result.agent.network):
        yield told


def accuracy_text(found: Accuracy) -> str:
    """`93.2 [90.9, 95.0] %`."""
    return f"{_percent(found.share)} [{_percent(found.low)}, {_percent(found.high)}] %"


def comparison_text(one: Comparison, *, corrected: bool = True) -> str:
    """`6.4 points (37 videos gained, 0 lost, p 1.5e-11)`."""
    p = one.p_holm if corrected else one.p
    return f"{100 * abs(one.difference):.1f} points ({_moved(one)}, p {p_text(p)})"


def estimate_text(found: Estimate) -> str:
    """`0.85 [0.80, 0.90]`; without an interval where there is none, and a dash of what is no number."""
    if np.isnan(found.mean):
        return "–"
    if not found.low <= found.high:
        return f"{found.mean:.2f}"
    return f"{found.mean:.2f} [{found.low:.2f}, {found.high:.2f}]"


def p_text(p: float) -> str:
    """A probability, as short as it can be."""
    return f"{p:.2g}" if p < 0.995 else "1"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
