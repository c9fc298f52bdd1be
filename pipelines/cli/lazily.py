"""Packages that others import at their start and no command calls: they are executed when one of their names is asked for, or not found.

`import great_expectations` brings Altair, which draws; `from river.anomaly.hst import ...` brings all of River's detectors and
trees, and with two of them scipy.stats. Loading what nobody calls took 0.9 s of the processor in every run that learns (measured); SciPy's
graphs, of which only a lake with campaigns asks, 0.1 s more.
"""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType

SELDOM_CALLED = ("altair", "river.anomaly", "river.drift", "river.tree", "scipy.sparse.csgraph", "scipy.stats")
"""Of River's packages only single modules are used; these load at once, their package when it is asked for a name."""

LEFT_OUT = ("apache_beam.io.gcp.bigquery", "bson")
"""What Beam loads where it is installed and does without where it is not: Google's sinks, and MongoDB's client behind `bson`. Not
found, they spare a process 280 modules and 0.15 s."""

_LOCK = RLock()


class Waiting(ModuleType):
    """A module that stands where it belongs but has not been executed; the first name asked of it executes it."""

    def __getattr__(self, name: str) -> object:
        """A name that is not there yet. Asking what kind of module it is (`__file__`, `__wrapped__`) executes nothing.

        Raises:
            AttributeError: the module has no such name.
        """
        if name.startswith("__") and name != "__all__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        with _LOCK:
            loader = self.__loader__
            if isinstance(loader, _Later) and not loader.has_begun:
                loader.has_begun = True
                loader.real.exec_module(self)
                self.__class__ = ModuleType  # type: ignore[assignment] # from here on it is like any other
        return ModuleType.__getattribute__(self, name)


class _Later(Loader):
    """Makes a `Waiting` module, and keeps the loader that will execute it."""

    def __init__(self, real: Loader) -> None:
        self.real = real
        self.has_begun = False

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """An empty module."""
        return Waiting(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: it waits."""


class _Lazily(MetaPathFinder):
    """Finds the modules of SELDOM_CALLED where Python does, with a loader that waits; those of LEFT_OUT nowhere."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's spec; None for every module that is not to wait.

        Raises:
            ModuleNotFoundError: the module is one of LEFT_OUT.
        """
        if fullname in LEFT_OUT:
            raise ModuleNotFoundError(f"stillwatch leaves {fullname} out", name=fullname)
        if fullname not in SELDOM_CALLED:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Later(spec.loader)
        return spec


def load_lazily() -> None:
    """From here on modules of SELDOM_CALLED wait until a name is asked of them, and those of LEFT_OUT are not there."""
    if not any(isinstance(finder, _Lazily) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Lazily())
