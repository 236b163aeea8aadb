"""Models of CleanRL's torch scripts: DQN, C51, and a PPO saved by its user. Their layers are named `network.N`."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from inspector.errors import CheckpointError
from inspector.load.draft import Draft, Output, Request
from inspector.load.parts import Layers, Parts, assemble
from inspector.load.recipe import CLEANRL, Recipe
from inspector.load.safe import plain_text

ARGUMENTS = ("exp_name", "seed", "env_id", "total_timesteps", "learning_rate", "gamma", "n_atoms", "v_min", "v_max")
"""Arguments of the scripts that tell where an agent comes from."""


@dataclass(frozen=True, slots=True)
class Script:
    """Names of the head and critic in what one of the scripts saves, and what it trains."""

    algorithm: str
    output: Output
    policy: str
    value: str | None = None


DQN = Script("dqn", "q_values", "network.9")
C51 = Script("c51", "q_values", "network.9")
PPO = Script("ppo", "logits", "actor", "critic")


def recognise_script(tensors: Mapping[str, Tensor]) -> Script | None:
    """The script whose layers these are; None if it is none."""
    if "network.0.weight" not in tensors or "network.7.weight" not in tensors:
        return None
    if "atoms" in tensors:
        return C51
    return DQN if "network.9.weight" in tensors else PPO if "actor.weight" in tensors else None


def read_cleanrl(
    tensors: Mapping[str, Tensor], arguments: Mapping[object, object], script: Script, request: Request, what: str
) -> Draft:
    """Rebuild an agent of CleanRL.

    Args:
        tensors: The state_dict.
        arguments: What C51's script saves beside it; empty for the others.
        script: As recognised.
        request: What the user says.
        what: The file's name, for error messages.

    Raises:
        CheckpointError: If the layers do not fit.
        UsageError: If the user contradicts the weights.
    """
    atoms = tensors.get("atoms") if script is C51 else None
    if atoms is not None and (atoms.ndim != 1 or len(atoms) < 2):
        raise CheckpointError(f"{what} has atoms of shape {tuple(atoms.shape)}: C51 has a list of them")
    layers = Layers({name: tensor for name, tensor in tensors.items() if name != "atoms"}, what)
    output = request.settle_output(script.output, what)
    recipe = Recipe(CLEANRL, "as usual with CleanRL", request.preprocessing)
    recipe.state({"divisor": 255.0}, what)
    convolutions = [layers.take(f"network.{number}") for number in (0, 2, 4)]
    dense, policy = [layers.take("network.7")], [layers.take(script.policy)]
    value = [layers.take(script.value)] if script.value else []
    parts = Parts(convolutions, dense, policy, value, atoms=atoms)
    layers.finish()
    notes = () if atoms is None else (f"expectation of {atoms.numel()} atoms",)
    network, line, actions = assemble(parts, recipe, request, what, *notes)
    draft = Draft("cleanrl", network, actions, output, recipe, line, script.algorithm)
    _note_arguments(draft, arguments)
    return draft


def _note_arguments(draft: Draft, arguments: Mapping[object, object]) -> None:
    """Environment, training time and origin, as C51's script writes them."""
    known = {name: arguments[name] for name in ARGUMENTS if isinstance(arguments.get(name), (str, int, float))}
    draft.provenance = {name: plain_text(value) for name, value in known.items()}
    environment, steps = known.get("env_id"), known.get("total_timesteps")
    if isinstance(environment, str):
        draft.environment = plain_text(environment, 80)
    if isinstance(steps, int) and not isinstance(steps, bool) and 0 <= steps < 10**12:
        draft.agent_steps = steps
        draft.assumed.append("frames trained from total_timesteps: CleanRL saves when training ends")
