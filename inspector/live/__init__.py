"""The agent in a terminal, while it thinks."""
