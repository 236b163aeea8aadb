"""One thread beside the caller's that does tasks in their order, and none after one that failed."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Lane:
    """Tasks that run one after another beside the caller; what comes of a recording is whole up to the first error.

    Args:
        name: Of the thread.

    Attributes:
        broken: Whether a task failed, or waiting for one was interrupted.
    """

    def __init__(self, name: str) -> None:
        self.broken = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting: deque[Future[None]] = deque()

    def submit(self, task: Callable[[], None]) -> None:
        """Do a task when those before it are done."""
        self._waiting.append(self._thread.submit(self._do, task))

    def wait_for_all_but(self, count: int) -> None:
        """Wait until at most so many tasks are left; errors of those waited for surface here."""
        while len(self._waiting) > count:
            try:
                self._waiting.popleft().result()
            except BaseException:
                self.broken = True
                raise

    def stop(self) -> None:
        """End the thread; tasks that it has not begun are dropped."""
        self._thread.shutdown(cancel_futures=True)

    def _do(self, task: Callable[[], None]) -> None:
        if self.broken:  # what would follow an error would stand behind a hole
            return
        try:
            task()
        except BaseException:
            self.broken = True
            raise
