"""The process that decodes: `python -m inspector.clips.decoding REQUEST`. It limits itself before it loads a decoder.

It loads PyAV and numpy only, says what `wire` describes on its standard output, and ends when its standard input does.
"""

import json
import math
import os
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

from inspector.clips.limits import Limits
from inspector.clips.trouble import Trouble, words
from inspector.clips.wire import End, Kind, pack_end, pack_facts, send


def main(request: dict[str, Any]) -> None:
    """Read the file of a request, and say what comes of it."""
    limits = Limits(**request["limits"])
    limit_memory(limits.memory)
    limit_computing(limits.computing_seconds)
    pipe = _take_output()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        end = _read(pipe, Path(request["path"]), limits, lenient=request["lenient"])
    except BrokenPipeError:
        return  # nobody listens any more
    send(pipe, Kind.END, pack_end(end))


def _read(pipe: int, path: Path, limits: Limits, *, lenient: bool) -> End:
    """Read the file; how it ended, whatever happened."""
    renew = partial(limit_computing, limits.computing_seconds)

    def say(kind: Kind, content: bytes | memoryview = b"", pts: int = 0) -> None:
        send(pipe, kind, content, pts)
        renew()

    try:
        from inspector.clips.reading import read  # only now, within the limits, is a decoder loaded

        notes = read(
            path,
            limits,
            lenient=lenient,
            on_alive=lambda: say(Kind.ALIVE),
            on_facts=lambda facts: say(Kind.FACTS, pack_facts(facts)),
            on_frame=lambda pts, image: say(Kind.FRAME, image.data, pts),
        )
        return End(None, notes)
    except BrokenPipeError:
        raise
    except MemoryError:
        return End(f"needs more than {limits.memory / 2**30:.1f} GiB to be decoded: make it smaller", ())
    except ImportError as error:
        return End(f"cannot be decoded, for PyAV does not load ({words(error)}): run inspector doctor", ())
    except Trouble as trouble:
        return End(str(trouble), ())
    except Exception as error:  # a damaged file raises anything
        return End(f"is damaged ({words(error)}): get the file again", ())


def limit_memory(count: int) -> None:
    """Have no more than so many bytes of address space; on Linux."""
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def limit_computing(seconds: int) -> None:
    """Compute so many seconds from now and no longer, or until this is called again; where there are POSIX limits."""
    if sys.platform != "win32":
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        end = math.ceil(used.ru_utime + used.ru_stime) + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (end if hard == resource.RLIM_INFINITY else min(end, hard), hard))


def _take_output() -> int:
    """Standard output for ourselves: what a library prints goes nowhere."""
    pipe = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return pipe


def _end_with_parent() -> None:
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
    os._exit(0)  # what a hostile file left in a decoder is not to be cleaned up
