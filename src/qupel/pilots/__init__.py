"""Pilots: a charter around one comparison, from its file to a verdict and a memo."""

from qupel.pilots.charter import Charter
from qupel.pilots.dossier import Dossier
from qupel.pilots.pilot import Finished, Prepared, Progress, prepare, run_pilot
from qupel.pilots.pilot_file import PilotFileError, read_charter
from qupel.pilots.template import pilot_text

__all__ = [
    "Charter",
    "Dossier",
    "Finished",
    "PilotFileError",
    "Prepared",
    "Progress",
    "pilot_text",
    "prepare",
    "read_charter",
    "run_pilot",
]
