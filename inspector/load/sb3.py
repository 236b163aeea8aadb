"""Zips of stable-baselines3 and sb3-contrib: PPO, A2C, DQN and QR-DQN with CnnPolicy.

Such a zip holds `policy.pth`, the weights, and `data`, a JSON text full of pickles. The pickles are never decoded: the
plain texts beside them tell enough, and where they contradict the weights, the weights count.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from inspector.atari.networks import Layer, quantile_mean
from inspector.errors import CheckpointError
from inspector.load.draft import Draft, Output, Request
from inspector.load.parts import Layers, Parts, assemble
from inspector.load.recipe import STABLE_BASELINES3, Recipe
from inspector.load.safe import MAX_JSON, StoredFile, parse_json, plain_text
from inspector.load.sb3_data import SavedData
from inspector.load.weights import check_tensors, read_torch
from inspector.load.zips import open_zip, read_member

DEFAULT_QUANTILES = 200
"""Quantiles an action of sb3-contrib's QR-DQN, unless its policy_kwargs say otherwise."""

Trunk = tuple[list[Layer], list[Layer]]
"""Convolutions, and the dense layers after them."""

VERSION = "_stable_baselines3_version"

RECURRENT_POLICY = (
    "a recurrent policy (RecurrentPPO): recording one is not supported, but its network can be explained in Python: "
    "inspector.load.recurrent_network opens it for an inspector.Explainer"
)

_REFUSED: tuple[tuple[str, str], ...] = (
    ("lstm_actor.", RECURRENT_POLICY),
    ("log_std", "a policy of continuous actions; Atari's are discrete"),
    ("actor.", "an actor of continuous actions (SAC, TD3, DDPG); Atari's are discrete"),
    (
        "features_extractor.extractors.",
        "a policy of several inputs (MultiInputPolicy); one stack of frames is supported",
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Unpacked:
    """What a zip of stable-baselines3 holds.

    Attributes:
        what: The file's name, for error messages.
        tensors: Of the policy, by name.
        data: Texts about them.
        version: Of the library that wrote it.
    """

    what: str
    tensors: dict[str, Tensor]
    data: SavedData
    version: str


@dataclass(frozen=True, slots=True, eq=False)
class Zip:
    """A zip of stable-baselines3 whose policy is being read.

    Attributes:
        what: The file's name, for error messages.
        layers: Of the policy.
        data: Texts about them.
        recipe: How the input is made, in the making.
        request: What the user says.
    """

    what: str
    layers: Layers
    data: SavedData
    recipe: Recipe
    request: Request


def read_sb3(file: StoredFile, request: Request) -> Draft:
    """Rebuild the agent in a zip of stable-baselines3.

    Raises:
        CheckpointError: If the zip is hostile or damaged, or its policy is none of those supported.
        UsageError: If the user contradicts the weights.
    """
    unpacked = unpack(file)
    what, data = unpacked.what, unpacked.data
    refuse(unpacked.tensors, what)
    recipe = Recipe(STABLE_BASELINES3, "as usual with stable-baselines3", request.preprocessing)
    data.state_input(recipe)
    zipped = Zip(what, Layers(unpacked.tensors, what), data, recipe, request)
    draft = _reader(zipped)(zipped)
    zipped.layers.finish()
    draft.agent_steps = data.number("num_timesteps")
    draft.warnings = data.check_actions(draft.action_count)
    draft.assumed = [*data.check_extractor(), *draft.assumed]
    draft.provenance = {**data.provenance, "stable_baselines3": unpacked.version}
    return draft


def is_sb3(file: StoredFile) -> bool:
    """Whether a zip holds what stable-baselines3 saves.

    Raises:
        CheckpointError: If the zip is hostile or damaged.
    """
    with open_zip(file.content, str(file.path)) as archive:
        return {"data", "policy.pth"} <= set(archive.namelist())


def unpack(file: StoredFile) -> Unpacked:
    """Read the policy's tensors and the texts about them, and nothing else.

    Raises:
        CheckpointError: If the zip is hostile or damaged.
    """
    what = str(file.path)
    with open_zip(file.content, what) as archive:
        data = SavedData(parse_json(read_member(archive, "data", what, MAX_JSON), f"data in {what}"), what)
        weights = read_member(archive, "policy.pth", what)
        version = read_member(archive, VERSION, what, 1000) if VERSION in archive.namelist() else b"unknown"
    policy = f"policy.pth in {what}"
    loaded = read_torch(weights, policy)
    tensors = check_tensors(loaded if isinstance(loaded, dict) else {}, policy, len(weights))
    return Unpacked(what, tensors, data, plain_text(version.decode("ascii", "replace"), 40))


def refuse(tensors: Mapping[str, Tensor], what: str) -> None:
    """Refuse policies that are known by their layers' names and cannot be recorded.

    Raises:
        CheckpointError: Saying what it is.
    """
    for mark, text in _REFUSED:
        if any(name.startswith(mark) for name in tensors):
            raise CheckpointError(f"{what} is {text}")


def _reader(zipped: Zip) -> Callable[[Zip], Draft]:
    names = zipped.layers.names
    roots = {name.partition(".")[0] for name in names}
    for root, reader in (("action_net", _actor_critic), ("q_net", _dqn), ("quantile_net", _qr_dqn)):
        if root in roots:
            if not any(".cnn." in name for name in names):
                raise CheckpointError(
                    f"{zipped.what} has no CnnPolicy: a policy that sees stacked frames by NatureCNN is needed"
                )
            return reader
    raise CheckpointError(
        f"{zipped.what} is of an algorithm that is not supported; PPO, A2C, DQN and QR-DQN with CnnPolicy are"
    )


def _extractor(layers: Layers, prefix: str) -> Trunk:
    """Convolutions and dense layer of NatureCNN."""
    return layers.take_all(f"{prefix}cnn."), layers.take_all(f"{prefix}linear.")


def _draft(zipped: Zip, parts: Parts, algorithm: str | None, output: Output, *notes: str) -> Draft:
    known = zipped.request.settle_output(output, zipped.what)
    network, line, actions = assemble(parts, zipped.recipe, zipped.request, zipped.what, *notes)
    return Draft("sb3", network, actions, known, zipped.recipe, line, algorithm)


def _equal(one: list[Layer], other: list[Layer]) -> bool:
    """Whether two trunks hold the same numbers, as copies of a shared one do."""
    pairs = list(zip(one, other, strict=False))
    return len(one) == len(other) and all(
        torch.equal(a.weight, b.weight)
        and (a.bias is None) == (b.bias is None)
        and (a.bias is None or b.bias is None or torch.equal(a.bias, b.bias))
        for a, b in pairs
    )


def take_trunks(layers: Layers) -> tuple[Trunk, Trunk]:
    """Take the actor's convolutions and dense layer, and those of the critic: empty if it shares the actor's."""
    prefix = (
        "pi_features_extractor." if any(n.startswith("pi_features") for n in layers.names) else "features_extractor."
    )
    actor = _extractor(layers, prefix)
    critic: Trunk = _extractor(layers, "vf_features_extractor.") if prefix.startswith("pi") else ([], [])
    layers.drop("features_extractor.")
    return actor, ([], []) if _equal([*actor[0], *actor[1]], [*critic[0], *critic[1]]) else critic


def _actor_critic(zipped: Zip) -> Draft:
    """PPO and A2C: logits of `action_net`, values of `value_net`, a trunk shared or one for each."""
    layers = zipped.layers
    (convolutions, dense), (own_convolutions, own_dense) = take_trunks(layers)
    hidden, value_hidden = layers.take_all("mlp_extractor.policy_net."), layers.take_all("mlp_extractor.value_net.")
    activation = zipped.data.activation or "Tanh"
    parts = Parts(
        convolutions,
        dense,
        [*hidden, layers.take("action_net")],
        [*value_hidden, layers.take("value_net")],
        own_convolutions,
        own_dense,
        activation,
    )
    draft = _draft(zipped, parts, zipped.data.algorithm, "logits")
    if (hidden or value_hidden) and zipped.data.activation is None:
        draft.assumed.append("activation Tanh between the hidden layers after the trunk: the class's default")
    return draft


def _dqn(zipped: Zip) -> Draft:
    """DQN: Q-values of `q_net`; the target network is a copy."""
    convolutions, dense = _extractor(zipped.layers, "q_net.features_extractor.")
    zipped.layers.drop("q_net_target.")
    head = zipped.layers.take_all("q_net.q_net.")
    parts = Parts(convolutions, dense, head, activation=zipped.data.activation or "ReLU")
    return _draft(zipped, parts, "dqn", "q_values")


def _qr_dqn(zipped: Zip) -> Draft:
    """QR-DQN: the mean over quantiles is the Q-value."""
    convolutions, dense = _extractor(zipped.layers, "quantile_net.features_extractor.")
    zipped.layers.drop("quantile_net_target.")
    head = zipped.layers.take_all("quantile_net.quantile_net.")
    stated = zipped.data.number("policy_kwargs", "n_quantiles")
    quantiles = stated or DEFAULT_QUANTILES
    rows = head[-1].weight.shape[0] if head else 0
    actions = zipped.data.number("action_space", "n")
    if not head or rows % quantiles or actions not in (None, rows // quantiles):
        raise CheckpointError(
            f"{zipped.what} has a head of {rows} outputs, which are not {quantiles} quantiles of {actions} actions"
        )
    head[-1] = quantile_mean(head[-1], quantiles)
    parts = Parts(convolutions, dense, head, activation=zipped.data.activation or "ReLU")
    draft = _draft(zipped, parts, "qr-dqn", "q_values", f"mean of {quantiles} quantiles")
    if stated is None:
        draft.assumed.append(f"{quantiles} quantiles an action: the class's default")
    return draft
