"""Recurrent policies of sb3-contrib (RecurrentPPO with CnnLstmPolicy), as networks to explain in Python."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from inspector.atari import networks, recurrent
from inspector.atari.networks import Layer
from inspector.atari.recurrent import RecurrentNetwork, TwiceRecurrentNetwork
from inspector.errors import CheckpointError
from inspector.load.parts import Layers
from inspector.load.recipe import STABLE_BASELINES3, Recipe
from inspector.load.safe import identify, read_file
from inspector.load.sb3 import is_sb3, take_trunks, unpack
from inspector.load.state_dict import unwrap
from inspector.load.weights import check_tensors, read_safetensors, read_torch

ACTOR, CRITIC = "lstm_actor", "lstm_critic"
"""Names of the LSTMs in a policy of sb3-contrib."""


def recurrent_network(
    source: str | Path | Mapping[str, Tensor],
    *,
    activation: str | None = None,
    preprocessing: Mapping[str, object] | None = None,
) -> RecurrentNetwork:
    """Rebuild the network of a recurrent policy, for an `Explainer`; no code out of a file runs.

        network = recurrent_network("ppo_lstm.zip")
        explainer, memory = Explainer(network), network.start()
        for inputs in episode:                              # (1, stack, height, width), 0..1
            run = explainer.run(inputs, memory=memory)
            explanation, memory = run.explain("score"), run.memory

    Args:
        source: A zip of sb3-contrib's RecurrentPPO, a file of the policy's state_dict, or the state_dict itself.
        activation: Between hidden layers after the LSTM, by the name of torch's module; None for what the file says,
            or else the class's default, `Tanh`. Without such layers it does not matter.
        preprocessing: `height` and `width` of the network input where the file does not say and they are not 84, and
            `divisor` if the policy was trained on other than pixels; as for `load_agent`.

    Returns:
        The network, with a memory of two tensors, or four if the critic has an LSTM of its own. It takes what the
        policy's own layers take: pixels divided by 255, unless the policy was made with `normalize_images=False`.

    Raises:
        CheckpointError: If it is no such policy, hostile, damaged, or does not fit itself.
        UsageError: If `preprocessing` makes no sense.

    Source: Schulman et al. 2017 (PPO), arXiv:1707.06347, in the implementation of sb3-contrib.
    """
    recipe = Recipe(STABLE_BASELINES3, "as usual with stable-baselines3", preprocessing or {})
    tensors, stated, what = _read(source, recipe)
    if not any(name.startswith(f"{ACTOR}.") for name in tensors):
        raise CheckpointError(f"{what} has no layer {ACTOR}: it is no recurrent policy; load_agent opens the others")
    lstms = {name: tensor for name, tensor in tensors.items() if name.startswith((f"{ACTOR}.", f"{CRITIC}."))}
    layers = Layers({name: tensor for name, tensor in tensors.items() if name not in lstms}, what)
    network = _Building(layers, lstms, activation or stated or "Tanh", recipe, what).network()
    layers.finish()
    return network


def _read(source: str | Path | Mapping[str, Tensor], recipe: Recipe) -> tuple[dict[str, Tensor], str | None, str]:
    """The tensors, the activation if the file states one, and a name for error messages."""
    if isinstance(source, Mapping):
        what = "the state_dict"
        return check_tensors(source, what, float("inf")), None, what
    file = read_file(Path(source))
    what = str(file.path)
    if identify(file) == "safetensors":
        return read_safetensors(file.content, what), None, what
    if not is_sb3(file):
        tensors = unwrap(read_torch(file.content, what), what)
        return check_tensors(tensors, what, len(file.content)), None, what
    unpacked = unpack(file)
    unpacked.data.state_input(recipe)
    return unpacked.tensors, unpacked.data.activation, what


class _Building:
    """Puts the network together from layers that it takes, and from the weights of LSTMs."""

    def __init__(self, layers: Layers, lstms: dict[str, Tensor], activation: str, recipe: Recipe, what: str) -> None:
        self._layers, self._lstms, self._activation, self._what = layers, lstms, activation, what
        self._size = (recipe.number("height"), recipe.number("width"))

    def network(self) -> RecurrentNetwork:
        (convolutions, dense), own = take_trunks(self._layers)
        if not convolutions or not dense:
            raise CheckpointError(f"{self._what} has no CnnLstmPolicy: one that sees frames by NatureCNN is needed")
        trunk, columns = self._trunk(convolutions, dense), dense[-1].weight.shape[0]
        value_trunk = self._trunk(*own) if own[0] else None
        value_columns = own[1][-1].weight.shape[0] if own[0] else columns
        actor = self._lstm(ACTOR, columns)
        policy = self._head("mlp_extractor.policy_net.", "action_net", actor.hidden_size)
        if any(name.startswith(f"{CRITIC}.") for name in self._lstms):
            critic = self._lstm(CRITIC, value_columns)
            value = self._value(critic.hidden_size)
            return TwiceRecurrentNetwork(trunk, actor, policy, value, critic, value_trunk=value_trunk)
        if "critic" not in self._layers.names:
            value = self._value(actor.hidden_size)
            return RecurrentNetwork(trunk, actor, policy, value, value_remembers=True)
        below = self._layers.take("critic")  # no activation between it and what follows
        value = nn.Sequential(networks.head([below], value_columns), self._value(below.weight.shape[0]))
        return RecurrentNetwork(trunk, actor, policy, value, value_trunk=value_trunk)

    def _trunk(self, convolutions: list[Layer], dense: list[Layer]) -> nn.Module:
        height, width = self._size
        return networks.trunk(convolutions, dense, height=height, width=width)

    def _head(self, hidden: str, last: str, columns: int) -> nn.Module:
        return networks.head([*self._layers.take_all(hidden), self._layers.take(last)], columns, self._activation)

    def _value(self, columns: int) -> nn.Module:
        last = self._layers.take("value_net")
        if last.weight.shape[0] != 1:
            raise CheckpointError(f"{self._what} has a critic with {last.weight.shape[0]} outputs in place of one")
        return networks.head([*self._layers.take_all("mlp_extractor.value_net."), last], columns, self._activation)

    def _lstm(self, name: str, columns: int) -> nn.LSTMCell:
        known = {f"{name}.{kind}_{way}_l0" for kind in ("weight", "bias") for way in ("ih", "hh")}
        own = {key: tensor for key, tensor in self._lstms.items() if key.startswith(f"{name}.")}
        strange = sorted(set(own) - known)
        if strange:
            raise CheckpointError(f"{self._what} has {strange[0][:80]!r}: an LSTM of one plain layer is supported")
        layers = []
        for way in ("ih", "hh"):
            weight, bias = (own.get(f"{name}.{kind}_{way}_l0") for kind in ("weight", "bias"))
            if weight is None:
                raise CheckpointError(f"{self._what} has no {name}.weight_{way}_l0: its LSTM is not whole")
            layers.append(Layer(f"{name}.weight_{way}_l0", weight, bias))
        return recurrent.lstm(layers[0], layers[1], columns)
