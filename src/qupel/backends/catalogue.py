"""The catalogue: device profiles from the files that come with Qupel, and from your own.

A profile is a YAML file named for the device. Yours stand in ``$QUPEL_HOME/devices`` (by default
``~/.local/share/qupel/devices``) or in folders that you name; a profile of a name known already
takes its place.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path

from qupel.backends.profile import (
    AnnealTimes,
    Availability,
    Coherence,
    DeviceProfile,
    Fidelities,
    GateTimes,
    Modality,
    Runs,
)
from qupel.errors import InputError, unknown_name
from qupel.model.formats.checked_yaml import read_yaml

__all__ = [
    "AnnealTimes",
    "Availability",
    "Coherence",
    "DeviceProfile",
    "Fidelities",
    "GateTimes",
    "Modality",
    "Runs",
    "profile_named",
    "profiles",
    "read_profile",
]


def profiles(folders: Iterable[Path] = ()) -> dict[str, DeviceProfile]:
    """Every device by name: Qupel's own, then yours, then those of ``folders``.

    Raises
    ------
    InputError
        If a file is no profile, with file, line, field and remedy; or a folder is not there.
    """
    with as_file(files("qupel.backends") / "devices") as own:
        found = dict(_folder(own, _stamps(own)))
    home = os.environ.get("QUPEL_HOME") or Path.home() / ".local" / "share" / "qupel"
    yours = Path(home) / "devices"
    if yours.is_dir():
        found |= _folder(yours, _stamps(yours))
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: is no folder of device profiles")
        found |= _folder(folder, _stamps(folder))
    return dict(sorted(found.items()))


def profile_named(name: str, folders: Iterable[Path] = ()) -> DeviceProfile:
    """The profile of one device; `InputError` with the nearest name if there is none."""
    known = profiles(folders)
    if name not in known:
        raise unknown_name("device", name, known)
    return known[name]


def read_profile(path: Path) -> DeviceProfile:
    """Read one profile, whose name is that of its file.

    Raises
    ------
    InputError
        One line for every fault: file, line, field, what stands there, and the remedy.
    """
    profile = read_yaml(path, DeviceProfile)
    if profile.name != path.stem:
        raise InputError(
            f"{path}: name: got {profile.name!r}; a profile has the name of its file, {path.stem!r}"
        )
    return profile


@lru_cache(maxsize=16)
def _folder(folder: Path, stamps: tuple[tuple[str, int], ...]) -> dict[str, DeviceProfile]:
    """Profiles of a folder whose files have these names and times of change."""
    read = [read_profile(folder / name) for name, _ in stamps]
    return {profile.name: profile for profile in read}


def _stamps(folder: Path) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((path.name, path.stat().st_mtime_ns) for path in folder.glob("*.yaml")))
