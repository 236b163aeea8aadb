"""Watch the regions of steps while they come: where they are in every stacked frame, and what they cover of it."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from inspector.atari.objects import ObjectFinder
from inspector.probe import Stack
from inspector.records import Region, Seen, Step
from inspector.regions import Cover, Size, cover_frame, cover_nothing


class Watched(NamedTuple):
    """A step with its regions.

    Attributes:
        step: The step.
        stack: The regions of each stacked frame of its network input.
        covers: What they cover of it.
    """

    step: Step
    stack: Stack
    covers: list[Cover]

    @property
    def newest(self) -> tuple[Region, ...]:
        """The regions of the screen that was decided on."""
        return (self.stack[-1] if self.stack else None) or ()


class _Frame(NamedTuple):
    seen: Seen  # kept, so that no other can have its id
    regions: tuple[Region, ...]
    cover: Cover


class Watcher:
    """Finds the regions of one step after another; a frame that stands in several stacks is looked at once.

    Args:
        finder: Finds them.
        size: Height and width of the network input, in pixels.

    Attributes:
        finder: What finds them.
    """

    def __init__(self, finder: ObjectFinder, size: Size) -> None:
        self.finder = finder
        self._size, self._nothing = size, cover_nothing(len(finder.names))
        self._known: dict[int, _Frame] = {}
        self._last: Step | None = None

    def watch(self, step: Step) -> Watched:
        """The step with its regions; without any where it does not tell what its input was made from."""
        recent: dict[int, _Frame] = {}
        before = self._seen_before(step)
        for seen in step.seen:
            if seen is not None and id(seen) not in recent:
                recent[id(seen)] = self._known.get(id(seen)) or self._looked_at(seen, before, step.screen.shape[:2])
            before = seen
        self._known, self._last = recent, step
        frames = [None if seen is None else recent[id(seen)] for seen in step.seen]
        stack = tuple(None if frame is None else frame.regions for frame in frames)
        return Watched(step, stack, [self._nothing if frame is None else frame.cover for frame in frames])

    def watch_all(self, steps: Iterable[Step]) -> Iterator[Watched]:
        """Every step with its regions."""
        return map(self.watch, steps)

    def _seen_before(self, step: Step) -> Seen | None:
        """What was seen before the oldest stacked frame: the oldest of the last step, if the stack went on from it."""
        last = self._last
        if last is None or (last.episode, last.index + 1) != (step.episode, step.index):
            return None
        went_on = all(one is other for one, other in zip(last.seen[1:], step.seen, strict=False))
        return last.seen[0] if last.seen and went_on else None

    def _looked_at(self, seen: Seen, before: Seen | None, screen: tuple[int, ...]) -> _Frame:
        regions = self.finder.regions(seen, before)
        return _Frame(seen, regions, cover_frame(regions, (screen[0], screen[1]), self._size))
