"""Who somebody is, what may be read by whom, and who decides that."""

from qupel.governance.identity import Identity, Roles, own_name
from qupel.governance.readers import ADMINISTRATOR, Resource

__all__ = ["ADMINISTRATOR", "Identity", "Resource", "Roles", "own_name"]
