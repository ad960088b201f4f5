"""Settings of each function, read once from a mapping that handler.py passes in.

A missing or malformed setting fails while the function is initialised, not in a request.
"""

from weir.settings.bookkeeping import (
    ReconcileSettings,
    RollupSettings,
    SettleSettings,
    SweepSettings,
)
from weir.settings.requests import (
    AccountSettings,
    CatalogSettings,
    ChatSettings,
    ExportSettings,
)

__all__ = [
    "AccountSettings",
    "CatalogSettings",
    "ChatSettings",
    "ExportSettings",
    "ReconcileSettings",
    "RollupSettings",
    "SettleSettings",
    "SweepSettings",
]
