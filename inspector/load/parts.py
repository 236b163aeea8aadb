"""Layers out of a state_dict, taken one by one so that none is forgotten, and the network put together from them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from inspector.atari import networks
from inspector.atari.networks import AtariNetwork, Layer
from inspector.errors import CheckpointError
from inspector.load.draft import Request, architecture_line, check_architecture, check_stack
from inspector.load.recipe import Recipe
from inspector.load.safe import plain_text

MAX_ACTIONS = 18
"""Actions of an Atari console."""


class Layers:
    """The layers of a state_dict by name. What is taken is gone; what is left at the end was not understood."""

    def __init__(self, tensors: dict[str, Tensor], what: str):
        """Pair weights with biases. A bare name that holds a matrix or kernels counts as a weight."""
        self.what = what
        weights: dict[str, Tensor] = {}
        biases: dict[str, Tensor] = {}
        for key, tensor in tensors.items():
            name, _, kind = key.rpartition(".")
            if kind == "bias":
                biases[name] = tensor
            elif kind == "weight" or tensor.ndim >= 2:
                weights[name if kind == "weight" else key] = tensor
            else:
                raise CheckpointError(f"{what} holds {key[:80]!r}, neither weight nor bias: not a network known here")
        lonely = [name for name in biases if name not in weights]
        if lonely:
            raise CheckpointError(f"{what} has biases without weights for {lonely[0][:80]!r}")
        self._layers = {name: Layer(plain_text(name, 80), weight, biases.get(name)) for name, weight in weights.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the layers that are left."""
        return tuple(self._layers)

    def take(self, name: str) -> Layer:
        """Take one layer.

        Raises:
            CheckpointError: If it is not there.
        """
        if name not in self._layers:
            raise CheckpointError(f"{self.what} has no layer {name}; it has {self._some()}")
        return self._layers.pop(name)

    def take_all(self, prefix: str) -> list[Layer]:
        """Take the layers named `prefix` and a number, in the order of the numbers."""
        found = [name for name in self._layers if re.fullmatch(re.escape(prefix) + r"[0-9]{1,4}", name)]
        return [self._layers.pop(name) for name in sorted(found, key=lambda name: int(name[len(prefix) :]))]

    def drop(self, prefix: str) -> None:
        """Leave out all layers whose names start so: copies that play no part."""
        self._layers = {name: layer for name, layer in self._layers.items() if not name.startswith(prefix)}

    def take_rest(self) -> list[Layer]:
        """Take all that is left."""
        rest, self._layers = list(self._layers.values()), {}
        return rest

    def finish(self) -> None:
        """Check that nothing is left.

        Raises:
            CheckpointError: If there are layers that no known network has: the guess would be wrong.
        """
        if self._layers:
            raise CheckpointError(
                f"{self.what} has layers that no network known here has: {self._some()}; {networks.OWN_NETWORK}"
            )

    def _some(self) -> str:
        names = [repr(name[:80]) for name in list(self._layers)[:4]]
        return ", ".join(names or ["nothing else"]) + (" ..." if len(self._layers) > 4 else "")


@dataclass(slots=True, eq=False)
class Parts:
    """Layers of a network by their place.

    Attributes:
        convolutions: Of the trunk.
        dense: Of the trunk, after the flatten.
        policy: From features to scores.
        value: From features to the value; empty without a critic.
        value_convolutions: Of the critic's own trunk; empty if it shares the policy's.
        value_dense: Likewise.
        activation: Between the layers of `policy` and of `value`.
        atoms: Values of the atoms of a C51 head; None for any other.
    """

    convolutions: list[Layer]
    dense: list[Layer]
    policy: list[Layer]
    value: Sequence[Layer] = ()
    value_convolutions: Sequence[Layer] = ()
    value_dense: Sequence[Layer] = ()
    activation: str = "ReLU"
    atoms: Tensor | None = None


def assemble(parts: Parts, recipe: Recipe, request: Request, what: str, *notes: str) -> tuple[AtariNetwork, str, int]:
    """Rebuild a network, and take the frame stack from its first convolution.

    Returns:
        The network, a line on its architecture, its number of actions.

    Raises:
        CheckpointError: If the layers fit neither each other nor an architecture nor Atari.
        UsageError: If the user says what the weights contradict.
    """
    name = networks.recognise(parts.convolutions)
    if not parts.dense or not parts.policy or bool(parts.value_convolutions) != bool(parts.value_dense):
        raise CheckpointError(f"{what} lacks layers after its convolutions: a hidden one and a head are needed")
    check_architecture(name, request, what)
    check_stack(parts.convolutions[0].weight.shape[1], recipe, what)
    height, width = recipe.number("height"), recipe.number("width")
    trunk = networks.trunk(parts.convolutions, parts.dense, height=height, width=width)
    columns = parts.dense[-1].weight.shape[0]
    policy, actions = _policy(parts, columns, what)
    value_trunk = None
    if parts.value_convolutions:
        value_trunk = networks.trunk(parts.value_convolutions, parts.value_dense, height=height, width=width)
        columns = parts.value_dense[-1].weight.shape[0]
    value = networks.head(parts.value, columns, parts.activation) if parts.value else None
    if parts.value and parts.value[-1].weight.shape[0] != 1:
        raise CheckpointError(f"{what} has a critic with {parts.value[-1].weight.shape[0]} outputs in place of one")
    network = AtariNetwork(trunk, policy, value, value_trunk)
    if len(parts.policy) > 1:
        between = " ".join(str(layer.weight.shape[0]) for layer in parts.policy[:-1])
        notes = (f"{parts.activation} {between} before the scores", *notes)
    return network, architecture_line(name, parts.convolutions, parts.dense, network, notes), actions


def _policy(parts: Parts, columns: int, what: str) -> tuple[nn.Module, int]:
    rows = parts.policy[-1].weight.shape[0]
    atoms = 1 if parts.atoms is None else parts.atoms.numel()
    if rows % atoms or not 1 <= rows // atoms <= MAX_ACTIONS:
        raise CheckpointError(
            f"{what} has a head of {rows} outputs{f' in sets of {atoms} atoms' if atoms > 1 else ''}: "
            f"an Atari agent has 1 to {MAX_ACTIONS} actions"
        )
    if parts.atoms is not None:
        return networks.expectation_head(parts.policy[-1], columns, parts.atoms), rows // atoms
    return networks.head(parts.policy, columns, parts.activation), rows
