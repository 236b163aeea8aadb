"""A piece of work, known by all that its result depends on."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.files import plain

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A piece of work that gives the same wherever and whenever it is done.

    Attributes:
        name: What a person calls it, as `breakout 18.0 M frames, probe`.
        function: What does it: of a module's top level, so that another process can import it.
        arguments: Its arguments by name; they go to another process.
        inputs: All that the result depends on, in plain values: digests of files, settings, versions.
    """

    name: str
    function: Callable[..., Arrays]
    arguments: Mapping[str, Any]
    inputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Digest of the inputs, hexadecimal: the name of the result."""
        whole = {"function": f"{self.function.__module__}.{self.function.__qualname__}", "inputs": plain(self.inputs)}
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:32]

    def __call__(self) -> Arrays:
        """Do it."""
        arrays = {name: np.asarray(value) for name, value in self.function(**self.arguments).items()}
        if any(array.dtype.hasobject for array in arrays.values()):
            raise TypeError(f"{self.name} gave something else than numbers and text")
        return arrays
