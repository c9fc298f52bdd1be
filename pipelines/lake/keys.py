"""Where the fingerprint key comes from: the environment, a file, or a file made once outside every lake."""

import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from pipelines.lake.sealed import unwritable
from schemas.errors import LakeError

KEY_VARIABLE = "STILLWATCH_KEY"
KEY_BYTES = 32


def read_secret(lake: Path, key_file: Path | None, environment: Mapping[str, str]) -> bytes:
    """The 32 secret bytes behind all fingerprints of a lake.

    In order: `key_file` where one is named (made if neither it nor the lake exists yet), else the variable STILLWATCH_KEY (64 hex digits), else the default file
    `$XDG_CONFIG_HOME/stillwatch/fingerprint.key`, which is made on first use.

    Args:
        lake: the lake the key is used for; the key must lie outside it.
        key_file: the file named on the command line.
        environment: the process's environment.

    Raises:
        LakeError: the key has another length, its file lies inside the lake, or others may read it.
    """
    if key_file is not None:
        _refuse_inside(key_file, lake)
        if not key_file.exists() and not (lake / "_stillwatch" / "lake.json").exists():
            _make(key_file)
        return _from_file(key_file, lake)
    if KEY_VARIABLE in environment:
        return _parse(environment[KEY_VARIABLE], f"the environment variable {KEY_VARIABLE}")
    path = default_key_file(environment)
    if not path.exists():
        _refuse_inside(path, lake)
        _make(path)
    return _from_file(path, lake)


def default_key_file(environment: Mapping[str, str]) -> Path:
    """`$XDG_CONFIG_HOME/stillwatch/fingerprint.key`, by default under `~/.config`."""
    home = environment.get("XDG_CONFIG_HOME", "")
    base = Path(home) if home else Path(environment.get("HOME", "~")).expanduser() / ".config"
    return base / "stillwatch" / "fingerprint.key"


def _from_file(path: Path, lake: Path) -> bytes:
    _refuse_inside(path, lake)
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="ascii")
    except UnicodeDecodeError as error:
        raise _wrong_length(str(path)) from error
    except OSError as error:
        raise LakeError(
            str(path),
            f"the key cannot be read ({error.strerror})",
            "name an existing key file, or leave --key-file out",
        ) from error
    if mode & 0o077:
        raise LakeError(str(path), f"others may read the key (mode {mode:04o})", f"chmod 600 {path}")
    return _parse(text, str(path))


def _parse(text: str, where: str) -> bytes:
    try:
        secret = bytes.fromhex(text.strip())
    except ValueError as error:
        raise _wrong_length(where) from error
    if len(secret) != KEY_BYTES or len(text.strip()) != 2 * KEY_BYTES:
        raise _wrong_length(where)
    return secret


def _wrong_length(where: str) -> LakeError:
    return LakeError(where, f"the key is not {2 * KEY_BYTES} hex digits", "make one with `openssl rand -hex 32`")


def _refuse_inside(path: Path, lake: Path) -> None:
    if path.resolve().is_relative_to(lake.resolve()):
        raise LakeError(
            str(path),
            f"the key lies inside the lake {lake}",
            "keep it elsewhere: who has the lake must not have the key",
        )


def _make(path: Path) -> None:
    """Makes the key file once; when two processes do it at the same time, both use what the first one wrote."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, secrets.token_hex(KEY_BYTES).encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)
