"""The account of a video's frames: what is announced and did not come. For the process that decodes."""

from inspector.clips.index import Index
from inspector.clips.trouble import Trouble


class Losses:
    """What was lost so far, and where.

    Args:
        index: What is announced.
        lenient: Losses are noted and let pass; else the first one is the end.

    Attributes:
        shown_count: Frames that came.
    """

    def __init__(self, index: Index, *, lenient: bool) -> None:
        self.shown_count = 0
        self._index, self._lenient = index, lenient
        self._last: int | None = None
        self._found: dict[str, tuple[int, str]] = {}  # how often, and where first

    @property
    def are_final(self) -> bool:
        """Whether the reading has to end."""
        return bool(self._found) and not self._lenient

    def add(self, cause: str) -> bool:
        """Enter a loss after the last frame that came; whether the reading has to end."""
        count, place = self._found.get(cause, (0, self._place))
        self._found[cause] = count + 1, place
        return self.are_final

    def show(self, pts: int) -> None:
        """Enter a frame that came."""
        self._last = pts
        self.shown_count += 1

    def settle(self) -> tuple[str, ...]:
        """Close the account; the losses in words.

        Raises:
            Trouble: If there are any and they are not let pass, or nothing came.
        """
        if self.shown_count != self._index.frame_count and not self.are_final:
            self.add("frames are missing" if self.shown_count < self._index.frame_count else "there are more frames")
        if self.are_final or not self.shown_count:
            raise Trouble(self._trouble())
        notes = tuple(_note(cause, *where) for cause, where in self._found.items())
        return (*notes, f"{self._balance} could be read") if notes else ()

    def _trouble(self) -> str:
        cause = next(iter(self._found))
        advice = "get the file again, or make a file of what is there, with ffmpeg for example"
        if not self.shown_count:
            advice = "get the file again"
        return f"is damaged {self._place}, {self._balance} could be read: {cause}; {advice}"

    @property
    def _balance(self) -> str:
        return f"{self.shown_count} of {self._index.frame_count} frames"

    @property
    def _place(self) -> str:
        if self._last is None:
            return "before its first frame"
        seconds = float((self._last - int(self._index.times[0])) * self._index.time_base)
        return f"after frame {self.shown_count - 1} ({seconds:.3f} s)"


def _note(cause: str, count: int, place: str) -> str:
    return f"{place}: {cause}" if count == 1 else f"{place} and {count - 1} times more: {cause}"
