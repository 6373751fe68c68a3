"""The catalogue: device profiles from the files that come with Qupel, and from your own.

A profile is a YAML file named for the device. Yours stand in ``$QUPEL_HOME/devices`` (by default
``~/.local/share/qupel/devices``) or in folders that you name; a profile of a name known already
takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from qupel.backends.catalogue.profile import DeviceProfile, Modality
from qupel.backends.catalogue.tiers import OWN as TIERS
from qupel.backends.catalogue.tiers import tiers
from qupel.errors import InputError, unknown_name
from qupel.model.formats.checked_yaml import line_of, parsed, read_yaml
from qupel.model.home import home

#: Folder of the profiles that come with Qupel.
OWN = Path(__file__).parent / "devices"
#: Seconds: the best superconducting qubits published last some milliseconds.
LONGEST_SUPERCONDUCTING = 1.0


def profiles(folders: Iterable[Path] = ()) -> dict[str, DeviceProfile]:
    """Every device by name: Qupel's own, then yours, then those of ``folders``.

    Raises
    ------
    InputError
        If a file is no profile, with file, line, field and remedy; or a folder is not there.
    """
    return {name: _read(path) for name, path in sorted(_paths(folders).items())}


def profile_named(name: str, folders: Iterable[Path] = ()) -> DeviceProfile:
    """The profile of one device; `InputError` with the nearest name if there is none."""
    known = _paths(folders)
    if name not in known:
        raise unknown_name("device", name, known)
    return _read(known[name])


def read_profile(path: Path) -> DeviceProfile:
    """Read one profile, whose name is that of its file.

    Raises
    ------
    InputError
        One line for every fault: file, line, field, what stands there, and the remedy.
    """
    profile = read_yaml(path, DeviceProfile)
    for field, said in _slips(profile, path.stem):
        raise InputError(f"{path}:{line_of(parsed(path), (field,))}: {field}: {said}")
    return profile


def _slips(profile: DeviceProfile, name: str) -> Iterator[tuple[str, str]]:
    """Fields of a file that are well formed and cannot be meant, with what is wrong."""
    if profile.name != name:
        yield "name", f"got {profile.name!r}; a profile has the name of its file, {name!r}"
    if profile.tier not in _own_tiers():
        known = {*_own_tiers(), *(tier.name for tier in tiers().tiers)}
        if profile.tier not in known:
            yield "tier", str(unknown_name("tier", profile.tier, known))
    lasts = profile.coherence
    longest = 0.0 if lasts is None else max(lasts.t1, lasts.t2)
    if profile.modality is Modality.SUPERCONDUCTING and longest >= LONGEST_SUPERCONDUCTING:
        yield (
            "coherence",
            f"t1 and t2 are in seconds, and one is {longest:g}: superconducting qubits last below "
            "a second; 50 microseconds are 50.0e-6",
        )


@lru_cache(maxsize=1)
def _own_tiers() -> frozenset[str]:
    """Names of the tiers that come with Qupel; yours may have others."""
    return frozenset(tier.name for tier in tiers(TIERS).tiers)


def _paths(folders: Iterable[Path]) -> dict[str, Path]:
    """The file of every device; a later folder's takes the place of an earlier one's."""
    yours = home() / "devices"
    found = {path.stem: path for path in OWN.glob("*.yaml")}
    for folder in ([yours] if yours.is_dir() else []) + list(folders):
        if not folder.is_dir():
            raise InputError(
                f"{folder}: is no folder of device profiles; name one that holds their .yaml files"
            )
        found |= {path.stem: path for path in folder.glob("*.yaml")}
    return found


def _read(path: Path) -> DeviceProfile:
    """The profile of a file, read once as long as the file stays as it is."""
    try:
        stamp = path.stat()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    return _kept(path, stamp.st_mtime_ns, stamp.st_size)


@lru_cache(maxsize=256)
def _kept(path: Path, changed: int, size: int) -> DeviceProfile:
    return read_profile(path)
