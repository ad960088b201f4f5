"""Prints which client does what: the section "Clients" of docs/compatibility.md."""

from tests.clients.programs import FEATURES, PROGRAMS


def table() -> str:
    """Return the table; each tick is a test of `test_official_clients.py`."""
    heads = [f"`{one.package}` {one.version}, {one.language}" for one in PROGRAMS]
    rows = [
        [feature, *("yes" if feature in one.cases else "" for one in PROGRAMS)]
        for feature in FEATURES
    ]
    lines = [["", *heads], ["---", *(":-:" for _ in heads)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    print(table())  # noqa: T201 (what it is for)
