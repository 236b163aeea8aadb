"""A plain state_dict: unwrapped, refused by name where it is known and not supported, else rebuilt from its shapes."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from inspector.atari.networks import KERNELS, OWN_NETWORK, STRIDES, Layer, flat_size, recognise
from inspector.errors import CheckpointError
from inspector.load.cleanrl import read_cleanrl, recognise_script
from inspector.load.draft import Draft, Output, Request
from inspector.load.parts import Layers, Parts, assemble
from inspector.load.recipe import Recipe, told_by
from inspector.load.safe import plain_text
from inspector.load.sb3 import RECURRENT_POLICY
from inspector.load.weights import check_tensors

WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "model_weights",
    "model",
    "net",
    "network",
    "policy",
    "agent",
    "q_network",
)
"""Keys under which people save a state_dict beside other things."""

PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before every name."""

_REFUSED: tuple[tuple[str, str], ...] = (
    (r"^lstm_actor\.", RECURRENT_POLICY),
    (
        r"(^|[._])(lstm|gru|rnn)|weight_hh",
        "a recurrent network (LSTM or GRU): recording one is not supported, but an inspector.Explainer explains in "
        "Python a network of yours that takes and gives the memory of its LSTM",
    ),
    (r"weight_mu|weight_sigma", "Rainbow or another network of noisy layers, which is not supported"),
    (r"\.conv\.weight$|res_block|conv_seqs", "an Impala network of residual blocks, which is not supported"),
    (r"__features|__head", "an agent of floringogianu/atari-agents, which is not supported"),
    (r"action_parameterization|obs_normalizer", "a sample-factory agent, which is not supported"),
    (r"(^|[._])(adv|advantage)", "a dueling network, which is not supported"),
    (r"running_mean|num_batches_tracked", "a network with normalisation layers, which are not supported"),
    (r"critic_ext|critic_int", "a PPO-RND agent of two critics, which is not supported"),
    (r"attn|attention|transformer", "a transformer, which is not supported"),
)

_POLICY = re.compile(r"polic|actor|action|logit|(^|[._])pi([._]|$)", re.IGNORECASE)
_VALUE = re.compile(r"value|critic|baseline|(^|[._])vf?([._]|$)", re.IGNORECASE)
_Q_VALUES = re.compile(r"(^|[._])q([._]|$)|q_?net|q_?val", re.IGNORECASE)


def read_state_dict(loaded: object, request: Request, what: str, size: int) -> Draft:
    """Rebuild an agent from what `torch.save` or safetensors held.

    Args:
        loaded: A dictionary of tensors, or one that holds it under a usual name.
        request: What the user says.
        what: The file's name, for error messages.
        size: Bytes of the file.

    Raises:
        CheckpointError: If it is of a kind that is not supported, or its layers do not fit any that is.
        UsageError: If the user must say what the scores are, or contradicts the weights.
    """
    if isinstance(loaded, dict) and "estimator_state" in loaded:
        raise CheckpointError(f"{what} is an agent of floringogianu/atari-agents, which is not supported")
    tensors = check_tensors(without_prefix(unwrap(loaded, what)), what, size)
    refuse(tensors, what)
    script = recognise_script(tensors)
    if script is not None:
        arguments = loaded.get("args") if isinstance(loaded, dict) else None
        return read_cleanrl(tensors, arguments if isinstance(arguments, dict) else {}, script, request, what)
    return _read_by_shape(Layers(tensors, what), request, what)


def unwrap(loaded: object, what: str) -> dict[object, object]:
    """The dictionary of tensors within dictionaries of other things, at most three deep.

    Raises:
        CheckpointError: If there is none.
    """
    for _ in range(4):
        if not isinstance(loaded, dict):
            break
        inner = [loaded[key] for key in WRAPPERS if isinstance(loaded.get(key), dict)]
        if not inner and any(isinstance(value, Tensor) for value in loaded.values()):
            return loaded
        loaded = inner[0] if inner else None
    raise CheckpointError(f"{what} holds no state_dict, neither plain nor under one of {', '.join(WRAPPERS)}")


def refuse(tensors: Mapping[str, object], what: str) -> None:
    """Refuse networks that are known by their layers' names and not supported.

    Raises:
        CheckpointError: Saying what it is.
    """
    for pattern, text in _REFUSED:
        found = [name for name in tensors if re.search(pattern, name)]
        if found:
            raise CheckpointError(f"{what} is {text} (layer {plain_text(found[0], 60)!r})")


def without_prefix(tensors: dict[Any, Any]) -> dict[Any, Any]:
    """Weights by their names without what DataParallel and torch.compile put before every one."""
    for prefix in PREFIXES:
        if all(isinstance(name, str) and name.startswith(prefix) for name in tensors):
            tensors = {name[len(prefix) :]: tensor for name, tensor in tensors.items()}
    return tensors


def _read_by_shape(layers: Layers, request: Request, what: str) -> Draft:
    """Convolutions in the order of their kernels, dense layers in the order in which their sizes fit."""
    recipe = Recipe({}, "by the inspector's defaults", request.preprocessing)
    rest = layers.take_rest()
    odd = [layer for layer in rest if layer.weight.ndim not in (2, 4)]
    if odd:
        raise CheckpointError(f"{what} has a layer {odd[0].name!r} that is neither dense nor a convolution of images")
    convolutions = _order_convolutions([layer for layer in rest if layer.weight.ndim == 4], request)
    dense, heads = _chain(convolutions, [layer for layer in rest if layer.weight.ndim == 2], recipe, what)
    policy, value, known = _heads(heads, what)
    output = request.settle_output(known, what)
    if value and output != "logits":
        raise CheckpointError(f"{what} has two heads over Q-values: a dueling network, which is not supported")
    parts = Parts(convolutions, dense, [policy], [value] if value else [])
    network, line, actions = assemble(parts, recipe, request, what)
    draft = Draft("state_dict", network, actions, output, recipe, line)
    draft.assumed.append("ReLU after every layer but the heads, no padding: the file does not say")
    return draft


def _order_convolutions(convolutions: list[Layer], request: Request) -> list[Layer]:
    """Largest kernel first, as in every architecture known."""
    convolutions = sorted(convolutions, key=lambda layer: -layer.weight.shape[-1])
    wanted = KERNELS.get(request.architecture or "")
    if wanted and len(convolutions) != len(wanted):
        raise CheckpointError(f"{len(convolutions)} convolutions, but {request.architecture} has {len(wanted)}")
    return convolutions


def _chain(convolutions: list[Layer], dense: list[Layer], recipe: Recipe, what: str) -> tuple[list[Layer], list[Layer]]:
    """Split dense layers into hidden ones, in order, and heads, which all take what the last hidden one gives."""
    strides = STRIDES[recognise(convolutions)]
    columns = flat_size(convolutions, strides, recipe.number("height"), recipe.number("width"))
    hidden: list[Layer] = []
    while True:
        fitting = [layer for layer in dense if layer.weight.shape[1] == columns]
        dense = [layer for layer in dense if layer not in fitting]
        if not dense and fitting and hidden:
            return hidden, fitting
        if len(fitting) != 1:
            shapes = ", ".join(f"{layer.name} {tuple(layer.weight.shape)}" for layer in (fitting or dense)[:4])
            count = "more than one layer" if fitting else "no layer"
            raise CheckpointError(
                f"{what}: {count} takes {columns} inputs ({shapes or 'none'}); "
                f"say the size of the network input, {told_by('height', 'width')}, or {OWN_NETWORK}"
            )
        hidden += fitting
        columns = fitting[0].weight.shape[0]


def _heads(heads: list[Layer], what: str) -> tuple[Layer, Layer | None, Output | None]:
    """The head of scores, the critic if there is one, and what the scores are if the names tell."""
    critics = [head for head in heads if head.weight.shape[0] == 1 and _VALUE.search(head.name)]
    others = [head for head in heads if head not in critics]
    if len(others) != 1 or len(critics) != len(heads) - 1 or (critics and _Q_VALUES.search(others[0].name)):
        names = ", ".join(head.name for head in heads[:4])
        raise CheckpointError(
            f"{what} has heads {names}: one of scores, and perhaps a critic with one output and a telling name, is "
            f"supported; {OWN_NETWORK}"
        )
    if _POLICY.search(others[0].name):
        return others[0], critics[0] if critics else None, "logits"
    return others[0], critics[0] if critics else None, "q_values" if _Q_VALUES.search(others[0].name) else None
