"""Tool calls of the echo model: a user who says `call <tool> <arguments>` gets that call."""

import re
from dataclasses import dataclass
from typing import Any, Final

_CALL: Final = re.compile(r"call (\S+) (\{.*\})\s*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call of a function tool; `arguments` are JSON text, as the user said them."""

    name: str
    arguments: str

    def as_json(self, generation_id: str) -> dict[str, Any]:
        """Return the member of a message's `tool_calls`."""
        return {
            "id": f"call_{generation_id.removeprefix('gen-')}",
            "type": "function",
            "function": {"name": self.name, "arguments": self.arguments},
        }


def callable_tools(body: dict[str, Any]) -> frozenset[str]:
    """Return the names of the function tools that a request lets the model call."""
    tools = body.get("tools")
    if body.get("tool_choice") == "none" or not isinstance(tools, list):
        return frozenset()
    functions = [tool.get("function") for tool in tools if isinstance(tool, dict)]
    return frozenset(str(function.get("name")) for function in functions if function)


def wished_call(text: str, *, tools: frozenset[str]) -> ToolCall | None:
    """Read the call that the last message asks for; None: it asks for none that is offered."""
    found = _CALL.fullmatch(text)
    if found is None or found[1] not in tools:
        return None
    return ToolCall(name=found[1], arguments=found[2])
