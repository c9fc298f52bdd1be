"""The environment of the contestants that stillwatch does not need (DuckDB, honeypotllm, Bytewax, Quix Streams), from a lock of their own."""

import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LOCK = HERE / "peers.lock"
FOLDER = HERE.parents[1] / ".venv-peers"


def python() -> Path:
    """The interpreter of the environment; made from the lock if it is not there or the lock changed.

    Raises:
        subprocess.CalledProcessError: it could not be installed.
    """
    program, stamp = FOLDER / "bin" / "python", FOLDER / "lock.digest"
    if not is_there():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(FOLDER)], check=True)
        quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--require-hashes"]
        subprocess.run([str(program), "-m", "pip", "install", *quiet, "-r", str(LOCK)], check=True)
        stamp.write_text(_digest())
    return program


def is_there() -> bool:
    """Whether the environment is what the lock says, so that nothing has to be installed."""
    stamp = FOLDER / "lock.digest"
    return stamp.exists() and stamp.read_text() == _digest()


def _digest() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()
