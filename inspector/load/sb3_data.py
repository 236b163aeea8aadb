"""The texts in the `data` of a stable-baselines3 zip: hints, written by whoever wrote the file, never proof."""

import re
from dataclasses import dataclass

from inspector.errors import CheckpointError
from inspector.load.recipe import Recipe, told_by
from inspector.load.safe import plain_text


@dataclass(frozen=True, slots=True)
class SavedData:
    """The parsed `data`. Its pickles, under `:serialized:`, are left alone.

    Attributes:
        root: What the JSON text holds.
        what: The file's name, for error messages.
    """

    root: object
    what: str

    def at(self, *keys: str) -> object:
        """What lies under these keys; None if nothing does."""
        value = self.root
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def number(self, *keys: str) -> int | None:
        """A whole number that may be written as a text; None if it is none."""
        value = self.at(*keys)
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
            return int(value)
        return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15 else None

    @property
    def algorithm(self) -> str | None:
        """Actor-critic algorithm, by the settings that only it has."""
        module = plain_text(self.at("policy_class", "__module__"))
        if "maskable" in module:
            return "maskable-ppo"
        marks = {"clip_range": "ppo", "cg_max_steps": "trpo", "normalize_advantage": "a2c"}
        present = [name for key, name in marks.items() if isinstance(self.root, dict) and key in self.root]
        return present[0] if present else None

    @property
    def activation(self) -> str | None:
        """Name of the activation between hidden layers; None if the class's default was left."""
        value = self.at("policy_kwargs", "activation_fn")
        if value is None:
            return None
        match = re.search(r"([A-Za-z0-9_]+)'?>?$", plain_text(value))
        return match[1] if match else plain_text(value)

    @property
    def provenance(self) -> dict[str, str]:
        """Facts of the training that are plain in the file."""
        names = ("num_timesteps", "seed", "n_envs", "gamma", "learning_rate", "start_time")
        found = {name: self.at(name) for name in names}
        known = {name: plain_text(value) for name, value in found.items() if isinstance(value, (int, float))}
        policy = re.search(r"<function (\w+)\.__init__", plain_text(self.at("policy_class", "__init__")))
        return {**known, **({"policy_class": policy[1]} if policy else {})}

    def state_input(self, recipe: Recipe) -> None:
        """Note size and scale of the network input as the file states them.

        Raises:
            CheckpointError: If the observations are no pictures of bytes and the user does not say their scale.
        """
        shape = self.at("observation_space", "_shape")
        numbers = re.findall(r"[0-9]+", plain_text(shape)) if isinstance(shape, (list, str)) else []
        if len(numbers) == 3:
            recipe.state({"height": int(numbers[1]), "width": int(numbers[2])}, f"observation_space in {self.what}")
        scaled = str(self.at("policy_kwargs", "normalize_images")) != "False"
        dtype = self.at("observation_space", "dtype")
        if dtype is not None and dtype != "uint8":
            if "divisor" not in recipe.told:
                raise CheckpointError(
                    f"{self.what} was trained on observations of type {plain_text(dtype, 20)}, not on pixels 0..255: "
                    f"say what they were divided by, {told_by('divisor')}"
                )
        else:
            recipe.state({"divisor": 255.0 if scaled else 1.0}, self.what)

    def check_extractor(self) -> list[str]:
        """A line if the file names an extractor of its own; its layers are those of NatureCNN all the same."""
        name = self.at("policy_kwargs", "features_extractor_class")
        if name is None or "NatureCNN" in plain_text(name):
            return []
        return [f"features extractor {plain_text(name, 80)} computes as NatureCNN does, for it has the same layers"]

    def check_actions(self, found: int) -> list[str]:
        """A warning if the stated number of actions is not the one found in the weights.

        Raises:
            CheckpointError: If the actions are no simple choice of one.
        """
        kind = plain_text(self.at("action_space", ":type:") or "discrete.Discrete'>")
        if not kind.endswith(".Discrete'>"):
            raise CheckpointError(f"{self.what} has actions of the kind {kind}: Atari needs a Discrete choice")
        stated = self.number("action_space", "n")
        if stated in (None, found):
            return []
        return [f"the file states {stated} actions, its weights have {found}: the weights were taken"]
