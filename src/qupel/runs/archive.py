"""Samples on disk: npz files named by what they hold, so equal samples are kept once."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import numpy as np

from qupel.errors import InputError
from qupel.model.samples import Outcome, Samples
from qupel.runs.description import plain
from qupel.runs.identity import samples_digest


def save_samples(folder: Path, samples: Samples) -> str:
    """Write samples under ``folder`` unless they are there; return their hash.

    The file appears under its name only when it is complete, whenever the writer is killed.
    """
    name = samples_digest(samples)
    path = _path(folder, name)
    if path.exists():
        return name
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {
        "outcome": samples.outcome.name,
        "bound": plain(samples.bound),
        "seconds": plain(samples.seconds),
        "facts": plain(samples.facts),
    }
    handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(
                file,
                values=samples.values,
                energies=samples.energies,
                occurrences=samples.occurrences,
                about=np.array(json.dumps(about)),
            )
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
    return name


def load_samples(folder: Path, name: str) -> Samples:
    """Read the samples of this hash.

    Raises
    ------
    InputError
        If there are none, or the file does not hold what its name says.
    """
    path = _path(folder, name)
    try:
        with np.load(path, allow_pickle=False) as held:
            about = json.loads(str(held["about"]))
            samples = Samples(
                held["values"],
                held["energies"],
                held["occurrences"],
                outcome=Outcome[about["outcome"]],
                bound=-np.inf if about["bound"] is None else about["bound"],
                seconds=about["seconds"],
                facts=about["facts"],
            )
    except FileNotFoundError as error:
        raise InputError(f"no samples of hash {name} in {folder}") from error
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: is not a samples file: {error}") from error
    if samples_digest(samples) != name:
        raise InputError(f"{path}: its content was changed; its hash is another")
    return samples


def _path(folder: Path, name: str) -> Path:
    return folder / name[:2] / f"{name}.npz"
