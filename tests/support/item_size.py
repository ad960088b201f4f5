"""The size of an item as DynamoDB counts it, in bytes: names and values, without indexes."""

from typing import Any

from weir.adapters.dynamodb.wire import Item


def item_size(item: Item) -> int:
    """Return the size of an item in low-level JSON."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: dict[str, Any]) -> int:
    content: Any
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            # One byte per two significant digits, one for the exponent, one for a minus sign.
            digits: str = content.lstrip("-").strip("0")
            return -(-len(digits) // 2) + 1 + int(content.startswith("-"))
        case "BOOL":
            return 1
        case "M":
            # Three bytes for the map, one for each of its members.
            return 3 + len(content) + item_size(content)
    raise AssertionError(f"{kind} is unknown here")
