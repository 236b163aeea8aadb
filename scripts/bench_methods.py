"""What the engine is measured against, and on which networks: the methods and the cases of `scripts/bench engine`."""

import copy
import fnmatch
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from torch import Tensor, nn

from inspector.lrp import Explainer
from tests.lrp import reference_networks
from tests.lrp.networks import screens

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import zennit.composites  # type: ignore[import-untyped]
    from captum.attr import LRP, IntegratedGradients  # type: ignore[import-untyped]

BASELINE, AGAIN, FORWARD = "(b) forward + gradient", "(b) once more: noise", "forward only"
HALVES = 2  # the rounds are judged in two halves: the same twice over
SEED = 3

Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Goal:
    """What is asked of a row: ratios to (b), or milliseconds; `faster` is a factor against zennit's same composite."""

    must: float | None = None
    aim: float | None = None
    faster: float | None = None


@dataclass(frozen=True, slots=True)
class Method:
    """One way to explain.

    Attributes:
        build: Gives the call that is timed; itself untimed, and not called if the row is left out.
        every: Takes part in one of so many rounds.
        relative_to: The method whose time this one's is divided by.
        rival: The method of zennit's that `goal.faster` speaks of; every row of the engine's own has one.
        note: Said beside the figures.
    """

    name: str
    build: Callable[[], Call]
    every: int = 1
    relative_to: str = BASELINE
    goal: Goal = field(default_factory=Goal)
    rival: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A network at a batch size. `calls` is how many calls make one measurement."""

    name: str
    batch: int
    rounds: int
    calls: int
    methods: Callable[[], Iterator[Method]]


@dataclass(slots=True)
class Timing:
    """Seconds per call by round, of one method; or why there are none."""

    cpu: dict[int, float] = field(default_factory=dict)
    wall: dict[int, float] = field(default_factory=dict)
    failure: str = ""


# --- the methods ----------------------------------------------------------------------------------------------------


def forward_and_gradient(network: nn.Module, inputs: Tensor) -> Tensor:
    """(b): what the plainest explanation costs, the gradient of the best score."""
    inputs = inputs.detach().requires_grad_()
    return torch.autograd.grad(network(inputs).amax(1).sum(), inputs)[0]


@torch.no_grad()
def forward_only(network: nn.Module, inputs: Tensor) -> Any:
    """The decision itself, which an agent needs anyhow."""
    return network(inputs)


def prepared(network: nn.Module, composite: str, **options: Any) -> Explainer:
    """The engine as the recorder uses it: the weights do not change."""
    bounds = (0.0, 1.0) if composite == "epsilon_gamma_box" else None
    return Explainer(network, composite, bounds, **{"frozen": True, **options})


def ours(network: nn.Module, inputs: Tensor, composite: str, **options: Any) -> Call:
    """Forward pass and explanation."""
    return partial(prepared(network, composite, **options), inputs)


def our_forward(network: nn.Module, inputs: Tensor, composite: str) -> Call:
    """The part of it that a caller who has run the network does not pay again."""
    return partial(prepared(network, composite).run, inputs)


class AfterForward:
    """The other part. `before` runs the network, untimed, ahead of each call."""

    def __init__(self, network: nn.Module, inputs: Tensor, composite: str) -> None:
        self.explainer, self.inputs = prepared(network, composite), inputs
        self.run: Any = None

    def before(self) -> None:
        """Pays for the forward pass."""
        self.run = self.explainer.run(self.inputs)

    def __call__(self) -> object:
        """Explains the decision that is there."""
        return self.run.explain("score")


ZENNIT: dict[str, Callable[..., Any]] = {
    "epsilon_plus": zennit.composites.EpsilonPlus,
    "epsilon_plus_flat": zennit.composites.EpsilonPlusFlat,
    "epsilon_gamma_box": partial(zennit.composites.EpsilonGammaBox, low=0.0, high=1.0),
    "epsilon_alpha2_beta1": zennit.composites.EpsilonAlpha2Beta1,
}


def by_zennit(network: nn.Module, inputs: Tensor, composite: str) -> Call:
    """Zennit with sums and batch norm put right; its hooks are set once, outside the measurement."""
    return partial(reference_networks.ByZennit(ZENNIT[composite], network), inputs)


def by_captum(network: nn.Module, inputs: Tensor) -> Call:
    """Captum's LRP as it comes: epsilon everywhere."""
    method, best = LRP(copy.deepcopy(network)), forward_only(network, inputs).argmax(1)
    return partial(method.attribute, inputs.clone().requires_grad_(), target=best)


def by_integrated_gradients(network: nn.Module, inputs: Tensor) -> Call:
    """Captum's integrated gradients, 50 steps from black."""
    best = forward_only(network, inputs).argmax(1)
    return partial(IntegratedGradients(network).attribute, inputs, target=best, n_steps=50)


class Perturbation:
    """How much the scores of one decision change if a spot is blurred (Greydanus et al. 2018, arXiv:1711.00138).

    289 Gaussian masks (sigma 5, stride 5) on 84x84; half the squared change of the scores.
    """

    def __init__(self, network: nn.Module, inputs: Tensor, sigma: float = 5.0, stride: int = 5) -> None:
        self.network, self.inputs = network, inputs[:1]
        size = inputs.shape[-1]
        places, centres = torch.arange(size), torch.arange(0, size, stride)
        spots = torch.exp(-((places - centres[:, None]) ** 2) / (2 * sigma**2))
        masks = torch.einsum("ay,bx->abyx", spots, spots).reshape(-1, 1, size, size)
        self.masks = masks * (masks > 1e-6)  # the far end would be subnormal numbers, many times slower
        reach = torch.arange(-3 * int(sigma), 3 * int(sigma) + 1)
        kernel = torch.exp(-(reach**2) / (2 * sigma**2))
        self.kernel = (kernel / kernel.sum()).expand(inputs.shape[1], 1, 1, -1)

    @torch.no_grad()
    def __call__(self) -> Tensor:
        """One relevance a mask."""
        half, channels = self.kernel.shape[-1] // 2, self.inputs.shape[1]
        blurred = F.pad(self.inputs, (half,) * 4, mode="replicate")
        for kernel in (self.kernel, self.kernel.mT):
            blurred = F.conv2d(blurred, kernel, groups=channels)
        change, score = blurred - self.inputs, self.network(self.inputs)
        # 64 at a time: all at once, more time goes into fetching memory than into the network
        scores = torch.cat([self.network(self.inputs + masks * change) for masks in torch.split(self.masks, 64)])
        result: Tensor = 0.5 * (scores - score).square().sum(1)
        return result


# --- the cases ------------------------------------------------------------------------------------------------------

# By composite and precision: the goal at batch 1, and at more.
Goals = dict[tuple[str, str], tuple[Goal, Goal]]
NATURE_GOALS: Goals = {
    ("epsilon_plus", ""): (Goal(0.9, 0.75), Goal(1.0, 0.85, faster=3.2)),
    ("epsilon_plus_flat", ""): (Goal(), Goal(0.85, 0.65)),
    ("epsilon_gamma_box", ""): (Goal(), Goal(1.2, 0.95, faster=4.5)),
    ("epsilon_alpha2_beta1", ""): (Goal(), Goal(1.7, 1.3, faster=3.0)),
    ("epsilon_plus", "bfloat16"): (Goal(), Goal(0.65, 0.5)),
}
IMPALA_GOALS: Goals = {("epsilon_gamma_box", ""): (Goal(), Goal(1.7, 1.2))}
VIDEO_GOALS: Goals = {
    ("epsilon_plus", ""): (Goal(1.55, 1.0, faster=2.0), Goal()),
    ("epsilon_plus", "bfloat16"): (Goal(aim=0.75), Goal()),
}
PREPARING, PREPARING_GOAL = "preparing", Goal(must=50.0)


def methods_of(network: nn.Module, inputs: Tensor, goals: Goals, zennit_every: int) -> Iterator[Method]:
    """What every network is measured on: (b), the forward pass, ours in all its ways, zennit."""
    gradient = partial(forward_and_gradient, network, inputs)
    yield Method(BASELINE, lambda: gradient)
    yield Method(AGAIN, lambda: gradient)
    yield Method(FORWARD, lambda: partial(forward_only, network, inputs))
    for (composite, precision), by_batch in goals.items():
        build = partial(ours, network, inputs, composite, precision=precision or "float32")
        goal, rival = by_batch[len(inputs) > 1], f"zennit {composite}"
        yield Method(f"{composite} {precision}".strip(), build, goal=goal, rival=rival)
    first, *_ = composites = list(dict.fromkeys(composite for composite, _ in goals))
    build, rival = partial(ours, network, inputs, first, frozen=False), f"zennit {first}"
    yield Method(f"{first}, weights watched", build, rival=rival, note="frozen=False")
    yield Method(f"{first}: its forward", partial(our_forward, network, inputs, first), note="explainer.run")
    after = partial(AfterForward, network, inputs, first)
    yield Method(f"{first}: after it", after, relative_to=FORWARD, note="run.explain / forward only")
    for composite in composites:
        yield Method(f"zennit {composite}", partial(by_zennit, network, inputs, composite), every=zennit_every)


def nature_case(batch: int, device: str) -> Iterator[Method]:
    """Nature's network with 512 hidden units; here the other tools come in too."""
    network, inputs = reference_networks.nature_scores().to(device), screens(batch).to(device)
    yield from methods_of(network, inputs, NATURE_GOALS, zennit_every=3)
    if device == "cpu":
        yield Method("captum LRP", partial(by_captum, network, inputs), every=2, note="epsilon everywhere")
        gradients = partial(by_integrated_gradients, network, inputs)
        yield Method("integrated gradients", gradients, every=12, note="captum, 50 steps")
        if batch == 1:
            masks = partial(Perturbation, network, inputs)
            yield Method("perturbation", masks, every=12, note="289 masks; linear in the batch")


def impala_case(batch: int, device: str) -> Iterator[Method]:
    """IMPALA's network, scores only."""
    network, inputs = reference_networks.impala(critic=False).to(device), screens(batch).to(device)
    yield from methods_of(network, inputs, IMPALA_GOALS, zennit_every=4)
    if device == "cpu":
        note = "epsilon; wrong at x + y"
        yield Method("captum LRP", partial(by_captum, network, inputs), every=4, note=note)


def video_case(batch: int, device: str) -> Iterator[Method]:
    """R3D-18, torchvision's own class, on 16 frames of 112x112."""
    network, inputs = reference_networks.r3d_18().to(device), reference_networks.clips(batch).to(device)
    yield from methods_of(network, inputs, VIDEO_GOALS, zennit_every=3)
    if device == "cpu":
        yield Method("captum LRP", partial(by_captum, network, inputs), every=3, note="epsilon everywhere")


BUILDERS = {"nature": nature_case, "impala": impala_case, "r3d": video_case}
# Network, batch size, rounds, calls a measurement.
ON_CPU = [("nature", 1, 144, 4), ("nature", 8, 96, 1), ("nature", 32, 36, 1)]
ON_CPU += [("impala", 8, 36, 1), ("impala", 32, 12, 1), ("r3d", 1, 8, 1)]
ON_CUDA = [(name, 2**power, 30, 1) for name in ("nature", "impala") for power in range(5, 13)]
ON_CUDA += [("r3d", batch, 20, 1) for batch in (1, 8, 32)]


def cases(device: str) -> list[Case]:
    """All that is measured: on CPU what the goals name, on CUDA many batch sizes, to find the best."""
    return [
        Case(f"{name}/{batch}", batch, rounds, calls, partial(BUILDERS[name], batch, device))
        for name, batch, rounds, calls in (ON_CPU if device == "cpu" else ON_CUDA)
    ]


def chosen(case: str, methods: Iterable[Method], patterns: list[str]) -> list[Method]:
    """The methods that a pattern names, and those that they are measured against."""
    every = list(methods)
    asked = [method for method in every if wanted(f"{case}/{method.name}", patterns)]
    names = {method.name for method in asked} | {method.relative_to for method in asked}
    names |= {BASELINE for _ in asked} | {method.rival for method in asked if method.goal.faster and method.rival}
    return [method for method in every if method.name in names]


def wanted(row: str, patterns: list[str]) -> bool:
    """Whether a pattern names this row, or the whole case it belongs to."""
    return not patterns or any(fnmatch.fnmatch(row, end) for pattern in patterns for end in (pattern, f"{pattern}/*"))
