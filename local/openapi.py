"""`make openapi`: writes the OpenAPI document that the catalog function serves.

`--check` writes nothing, and fails when the document is not that of the routes.
"""

import json
import sys
from pathlib import Path

from local.openapi_document import document
from local.route_tables import declared

PATH = Path(__file__).resolve().parent.parent / "functions" / "catalog" / "openapi.json"


def written() -> str:
    """Return the document of all deployed functions as it is kept."""
    routes = {name: route for table in declared().values() for name, route in table.items()}
    return json.dumps(document(routes), indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the document, or compare it; return the exit status."""
    text = written()
    if "--check" not in arguments:
        PATH.write_text(text, encoding="utf-8")
        return 0
    if PATH.exists() and PATH.read_text(encoding="utf-8") == text:
        return 0
    print(f"{PATH.name} is not what the routes say: run `make openapi`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
