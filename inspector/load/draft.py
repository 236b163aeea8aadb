"""What a reader of a format hands over: the rebuilt network and all that was found out; and the agent made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch

from inspector.agent import Agent
from inspector.atari.networks import AtariNetwork, Layer
from inspector.errors import CheckpointError, UsageError
from inspector.load.recipe import Recipe
from inspector.records import AgentFacts, Checkpoint

Output = Literal["logits", "q_values"]


@dataclass(frozen=True, slots=True)
class Request:
    """What the user says beside the source. None: nothing said.

    Attributes:
        environment: Environment id.
        architecture: `nature` or `nips`.
        output: What the scores are.
        preprocessing: Fields of `Preprocessing`.
        device: Where the network is to lie.
    """

    environment: str | None = None
    architecture: str | None = None
    output: str | None = None
    preprocessing: Mapping[str, object] = field(default_factory=dict)
    device: str = "cpu"

    def settle_output(self, known: Output | None, what: str) -> Output:
        """What the scores are: as known from the file, else as the user says.

        Raises:
            UsageError: If the user contradicts the file, or neither says.
        """
        if known is None and self.output is None:
            raise UsageError(
                f"{what} does not say what its scores are, say which: "
                "--output-kind logits or q_values (output= in Python)"
            )
        if known is not None and self.output not in (None, known):
            raise UsageError(f"{what} gives {known}, not {self.output}: leave out --output-kind (output= in Python)")
        return "logits" if (known or self.output) == "logits" else "q_values"


@dataclass(slots=True, eq=False)
class Draft:
    """An agent in the making.

    Attributes:
        format: Kind of file: `bundle`, `sb3`, `cleanrl`, `state_dict`, `factory`.
        network: The rebuilt network.
        action_count: Rows of its head.
        output: What the scores are.
        recipe: How its input is made.
        architecture: A line on the network.
        algorithm: As `ppo`; None if not known.
        environment: Environment id that the file states.
        agent_steps: Decisions trained; frames are these times the frame skip.
        warnings: Where the file contradicts its own weights; the weights were taken.
        assumed: What was assumed beside the recipe.
        provenance: Facts of the maker.
    """

    format: str
    network: torch.nn.Module
    action_count: int
    output: Output
    recipe: Recipe
    architecture: str
    algorithm: str | None = None
    environment: str | None = None
    agent_steps: int | None = None
    warnings: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    provenance: dict[str, str] = field(default_factory=dict)

    def finish(self, name: str, checkpoint: Checkpoint, request: Request) -> Agent:
        """The agent, on the device asked for.

        Raises:
            UsageError: If there is no such device.
        """
        preprocessing, lines = self.recipe.settle()
        if self.agent_steps is not None and checkpoint.frames is None:
            frames = self.agent_steps * preprocessing.frame_skip
            checkpoint = Checkpoint(checkpoint.path, checkpoint.sha256, frames)
        facts = AgentFacts(
            name=name,
            format=self.format,
            architecture=self.architecture,
            checkpoint=checkpoint,
            algorithm=self.algorithm,
            environment=request.environment or self.environment,
            assumed=(*self.warnings, *self.assumed, *lines),
            provenance=self.provenance,
        )
        agent = Agent(self.network, self.output, self.action_count, preprocessing, facts)
        try:
            return agent.to(request.device)
        except (RuntimeError, AssertionError) as error:
            raise UsageError(f"device {request.device!r} cannot be used: {str(error).splitlines()[0]}") from error


def architecture_line(
    name: str, convolutions: list[Layer], dense: list[Layer], network: AtariNetwork, notes: tuple[str, ...] = ()
) -> str:
    """A line on a network, as `nature: convolutions 32 64 64, hidden 512, critic`."""
    parts = [
        "convolutions " + " ".join(str(layer.weight.shape[0]) for layer in convolutions),
        "hidden " + " ".join(str(layer.weight.shape[0]) for layer in dense),
        *notes,
    ]
    if network.value is not None:
        parts.append("critic" if network.value_trunk is None else "critic with its own trunk")
    return f"{name}: " + ", ".join(parts)


def check_stack(channels: int, recipe: Recipe, what: str) -> None:
    """Take the frame stack from the first convolution, unless it may as well be colour.

    Raises:
        CheckpointError: If the channels could be stacked colour frames and the user does not say.
    """
    if channels % 3 == 0 and "stack" not in recipe.told:
        raise CheckpointError(
            f"{what} takes {channels} channels: grey frames, or {channels // 3} in colour, which is not supported? "
            f"If they are grey, say --stack {channels} (preprocessing= in Python)"
        )
    recipe.require("stack", channels, what)


def check_architecture(found: str, request: Request, what: str) -> None:
    """Hold the architecture found in the weights against the one that the user names.

    Raises:
        UsageError: If they differ.
    """
    if request.architecture not in (None, found):
        raise UsageError(f"{what} is of architecture {found}, not {request.architecture}: leave out --architecture")
