"""The agent in a terminal, while it thinks; and `Picture`, for anybody's rich layout."""

from inspector.live.picture import ATARI_PIXEL, Picture

__all__ = ["ATARI_PIXEL", "Picture"]
