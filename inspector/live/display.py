"""Scenes to a terminal: drawn, painted and sent as far as the line can take them."""

from inspector.live.painter import Painter
from inspector.live.scene import Scene
from inspector.live.terminal import Terminal
from inspector.live.view import View


class Display:
    """A terminal that shows scenes.

    Frames are dropped rather than queued: while the terminal is busy `ready` is false and nothing is drawn at all; a
    frame too large for the line is sent in parts, what differs most first.

    Args:
        terminal: Taken over by us.
        view: Draws scenes as cells.
        painter: Makes bytes of cells.
    """

    def __init__(self, terminal: Terminal, view: View, painter: Painter) -> None:
        self._terminal, self._view, self._painter = terminal, view, painter

    @property
    def ready(self) -> bool:
        """Whether the terminal can take something.

        Raises:
            OSError: If it cannot be written to any more.
        """
        return self._terminal.frames.ready

    def show(self, scene: Scene) -> bool:
        """Draw a scene and send what of it differs from what is shown; `ready` has to be true.

        Returns:
            Whether all of it was sent; otherwise show it, or a newer one, again.
        """
        frames = self._terminal.frames
        frames.send(self._painter.paint(self._view.draw(scene, *self._terminal.size), frames.flow.allowance()))
        return self._painter.is_done

    def answered(self, row: int, column: int) -> None:
        """The terminal has said where its cursor was, which tells the frame that it has shown."""
        self._terminal.frames.flow.answered(row, column)

    def heed(self) -> bool:
        """Do what signals have asked for, as Ctrl-Z; whether all has to be drawn anew."""
        if self._terminal.heed():
            self._painter.forget()
            self._terminal.frames.flow.reset()  # a smaller window cannot say where the cursor was to be
            return True
        return False
