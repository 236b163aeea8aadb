"""Recurrent Atari networks: a trunk, an LSTM that takes one step at a time, a policy and a critic.

The memory goes in and comes out with every step: a hidden state and a cell, (batch, size) each, and a second pair if
the critic has an LSTM of its own. It is all zeros when an episode starts.
"""

from typing import Any

from torch import Tensor, nn

from inspector.atari.networks import Layer, expect, parameter
from inspector.errors import CheckpointError

GATES = 4
"""Rows of an LSTM's weights by its size: input gate, forget gate, candidate, output gate."""


class RecurrentNetwork(nn.Module):
    """An actor with an LSTM; its critic sees what the LSTM gives, or what the trunk does.

    `forward` takes network inputs (batch, stack, height, width), hidden state and cell (batch, size), and returns
    scores (batch, actions), values (batch, 1), and the memory after the step: hidden state and cell.
    """

    def __init__(
        self,
        trunk: nn.Module,
        lstm: nn.LSTMCell,
        policy: nn.Module,
        value: nn.Module,
        *,
        value_trunk: nn.Module | None = None,
        value_remembers: bool = False,
    ):
        """Put the parts together.

        Args:
            trunk: Network input to features.
            lstm: Features and memory to the memory after the step.
            policy: Hidden state to scores.
            value: Hidden state or features to values.
            value_trunk: The critic's own trunk; None if it shares `trunk`.
            value_remembers: Whether `value` takes the actor's hidden state; else it takes features.
        """
        super().__init__()
        self.trunk, self.lstm, self.policy, self.value = trunk, lstm, policy, value
        self.value_trunk, self.value_remembers = value_trunk, value_remembers
        self.requires_grad_(False).eval()

    def start(self, batch: int = 1) -> tuple[Tensor, ...]:
        """The memory at the start of an episode: zeros, (batch, size) each."""
        weight = self.lstm.weight_hh
        return tuple(weight.new_zeros(batch, self.lstm.hidden_size) for _ in range(2))

    # Any: the engine traces this with proxies in place of tensors.
    def forward(self, inputs: Any, hidden: Any, cell: Any) -> Any:
        """Scores, values and the memory after the step."""
        features = self.trunk(inputs)
        hidden, cell = self.lstm(features, (hidden, cell))
        seen = hidden if self.value_remembers else self._value_features(inputs, features)
        return self.policy(hidden), self.value(seen), (hidden, cell)

    def _value_features(self, inputs: Any, features: Any) -> Any:
        return features if self.value_trunk is None else self.value_trunk(inputs)


class TwiceRecurrentNetwork(RecurrentNetwork):
    """An actor and a critic with an LSTM each; `forward` takes and gives the critic's hidden state and cell as well."""

    def __init__(
        self,
        trunk: nn.Module,
        lstm: nn.LSTMCell,
        policy: nn.Module,
        value: nn.Module,
        value_lstm: nn.LSTMCell,
        *,
        value_trunk: nn.Module | None = None,
    ):
        """Put the parts together; `value` takes the hidden state of `value_lstm`, the rest is as above."""
        super().__init__(trunk, lstm, policy, value, value_trunk=value_trunk)
        self.value_lstm = value_lstm.requires_grad_(False).eval()

    def start(self, batch: int = 1) -> tuple[Tensor, ...]:
        """The memory at the start of an episode: zeros, (batch, size) each, the actor's first."""
        weight = self.value_lstm.weight_hh
        return (*super().start(batch), *(weight.new_zeros(batch, self.value_lstm.hidden_size) for _ in range(2)))

    def forward(self, inputs: Any, hidden: Any, cell: Any, value_hidden: Any, value_cell: Any) -> Any:  # type: ignore[override]
        """Scores, values and the memory after the step."""
        features = self.trunk(inputs)
        hidden, cell = self.lstm(features, (hidden, cell))
        seen = self._value_features(inputs, features)
        value_hidden, value_cell = self.value_lstm(seen, (value_hidden, value_cell))
        return self.policy(hidden), self.value(value_hidden), (hidden, cell, value_hidden, value_cell)


def lstm(of_input: Layer, of_hidden: Layer, columns: int) -> nn.LSTMCell:
    """Rebuild an LSTM of one layer.

    Args:
        of_input: Weights (4 * size, columns), and biases if there are any; gates in torch's order.
        of_hidden: Weights (4 * size, size), and biases likewise.
        columns: Number of features.

    Raises:
        CheckpointError: If they do not fit each other.
    """
    size = of_hidden.weight.shape[-1]
    expect(of_input, columns)
    expect(of_hidden, size)
    rows = {of_input.weight.shape[0], of_hidden.weight.shape[0]}
    if rows != {GATES * size} or (of_input.bias is None) != (of_hidden.bias is None):
        raise CheckpointError(
            f"{of_input.name} and {of_hidden.name} have {' and '.join(map(str, sorted(rows)))} rows for an LSTM of "
            f"size {size}: {GATES * size} each, with biases or without, are needed"
        )
    module = nn.LSTMCell(columns, size, bias=of_input.bias is not None, device="meta")
    for way, layer in (("ih", of_input), ("hh", of_hidden)):
        for kind, tensor in (("weight", layer.weight), ("bias", layer.bias)):
            if tensor is not None:
                setattr(module, f"{kind}_{way}", parameter(tensor))
    return module
