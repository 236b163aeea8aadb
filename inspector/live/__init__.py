"""The agent in a terminal, while it thinks; and `Picture`, for anybody's rich layout."""

from inspector.live.picture import Picture

__all__ = ["Picture"]
