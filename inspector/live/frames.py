"""Frames on their way to a terminal: one is written at a time, and no more than the line can take."""

import os
import select
import threading

from inspector.live.flow import Flow, question


class FrameWriter:
    """Writes frames in a thread of its own, one at a time: while one is on its way, the next is not made at all.

    So a slow terminal drops frames and never queues them, and the caller never waits for it.

    Args:
        descriptor: Of the terminal.
        flow: Knows what the line to it can take.

    Attributes:
        flow: Likewise; to be told of answers.
        bytes_written: So far.
        count: Frames so far.
    """

    def __init__(self, descriptor: int, flow: Flow | None = None) -> None:
        self._descriptor, self.flow = descriptor, flow or Flow()
        self._wake, self._idle = threading.Condition(), True
        self._frame: bytes | None = None
        self._given_up = self._closed = False
        self._error: OSError | None = None
        self.bytes_written = self.count = 0
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether the last frame has gone out, and the line can take more.

        Raises:
            OSError: If the terminal cannot be written to any more.
        """
        with self._wake:
            if self._error is not None:
                raise self._error
            if not self._idle:
                return False
        self.flow.written()
        return self.flow.has_room

    def send(self, frame: bytes) -> None:
        """Write a frame, and the question whether it was seen; `ready` has to be true."""
        if not frame:
            return
        asked = frame + question(self.flow.sent(len(frame)))
        with self._wake:
            self._frame, self._idle = asked, False
            self._wake.notify_all()

    def settle(self, seconds: float = 1.0) -> None:
        """Wait a moment for a frame that is on its way; one that takes longer is given up."""
        with self._wake:
            self._given_up = not self._wake.wait_for(lambda: self._idle or self._error is not None, seconds)

    def close(self, seconds: float = 1.0) -> bool:
        """Write nothing more; whether nothing is written any more, and the descriptor can be closed."""
        with self._wake:
            self._closed = self._given_up = True
            self._wake.notify_all()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closed or self._frame is not None)
                if self._closed:
                    return
                frame, self._frame, self._given_up = self._frame or b"", None, False
            try:
                self._write(frame)
            except OSError as error:
                self._error = error
            with self._wake:
                self.count += 1
                self._idle = True
                self._wake.notify_all()

    def _write(self, frame: bytes) -> None:
        rest = memoryview(frame)
        while rest and not self._given_up:
            if not select.select([], [self._descriptor], [], 0.1)[1]:
                continue
            try:
                count = os.write(self._descriptor, rest[:4096])
            except BlockingIOError:
                continue
            self.bytes_written += count
            rest = rest[count:]
