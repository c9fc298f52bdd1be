"""A stack of its own for work that Python's recursion limit bounds."""

import gc
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def at_fixed_depth(work: Callable[[], T]) -> T:
    """The result of some work done on a stack of its own, without the cyclic garbage collector.

    The decoder refuses JSON that would exhaust Python's recursion limit, and what is left of that limit depends on how
    deep its caller stands. On a fresh stack every host allows the same depth. Only decoding belongs here: a new thread
    starts without the engine's compiled patterns (10 ms to make again).
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        collects = gc.isenabled()
        gc.disable()
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            errors.append(error)
        finally:
            if collects:
                gc.enable()

    thread = threading.Thread(target=run, name="decode")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
