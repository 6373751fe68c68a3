"""Values of durable steps and workflows as JSON; errors as their type's name and their text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from qupel.errors import RunError

if TYPE_CHECKING:
    from dbos._serialization import Serializer

_ERROR = "qupel error"


class JsonValues:
    """A serializer of DBOS that never pickles."""

    @classmethod
    def for_dbos(cls) -> Serializer:
        """Return one that is also of DBOS's own class, which it asks for."""
        from dbos._serialization import Serializer

        made: Serializer = type("Json", (cls, Serializer), {})()
        return made

    def name(self) -> str:
        """Under which it is written beside each value."""
        return "qupel_json"

    def serialize(self, data: Any) -> str:
        """Write a value or an error."""
        if isinstance(data, BaseException):
            data = {_ERROR: [type(data).__name__, str(data)]}
        return json.dumps(data, allow_nan=False)

    def deserialize(self, serialized_data: str) -> Any:
        """Read what `serialize` wrote; any error is a `RunError` then."""
        held = json.loads(serialized_data)
        if isinstance(held, dict) and _ERROR in held:
            kind, said = held[_ERROR]
            return RunError(f"{kind}: {said}")
        return held
