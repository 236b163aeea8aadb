"""A run of `agents/train_atari.py`: where its checkpoints lie, and what is known of them."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from ale_py.registration import rom_id_to_name

from inspector.load.safe import parse_json, read_file
from inspector.records import Preprocessing

CHECKPOINTS, SETTINGS = "checkpoints", "settings.json"

_MAX_SETTINGS = 2**16
_KEYS = {"game", "network", "hidden", "frames"}


class OwnRun(NamedTuple):
    """A run's folder, and what its settings and the trainer's protocol say of the arguments of `load_agent`."""

    folder: Path
    options: dict[str, Any]

    def with_options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What is known, but for what a person says otherwise."""
        recipe = {**self.options["preprocessing"], **given.get("preprocessing", {})}
        return {**self.options, **given, "preprocessing": recipe}

    @property
    def checkpoints(self) -> Path:
        """Where its weights are."""
        return self.folder / CHECKPOINTS


def find_run(place: Path) -> OwnRun | None:
    """The run whose folder, or whose folder of checkpoints, this is; None if it is neither.

    Raises:
        CheckpointError: If its settings are damaged.
    """
    folder = place.resolve().parent if place.resolve().name == CHECKPOINTS else place
    settings = folder / SETTINGS
    if not settings.is_file() or not (folder / CHECKPOINTS).is_dir():
        return None
    found = parse_json(read_file(settings, _MAX_SETTINGS).content, str(settings))
    game = found.get("game") if isinstance(found, dict) and found.keys() >= _KEYS else None
    if not isinstance(game, str) or not re.fullmatch(r"[a-z0-9_]{1,64}", game):
        return None
    environment = f"ALE/{rom_id_to_name(game)}-v5"
    return OwnRun(folder, {"environment": environment, "output": "logits", "preprocessing": asdict(Preprocessing())})
