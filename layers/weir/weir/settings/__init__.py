"""Settings of each function, read once from a mapping that handler.py passes in.

A missing or malformed setting fails while the function is initialised, not in a request.
"""

from weir.settings.bookkeeping import (
    ReconcileSettings,
    RollupSettings,
    SettleSettings,
    SweepSettings,
)
from weir.settings.operator import OperatorSettings
from weir.settings.requests import (
    AccountSettings,
    CatalogSettings,
    ChatSettings,
    ExportSettings,
)
from weir.settings.sign_in import AuthSettings

__all__ = [
    "AccountSettings",
    "AuthSettings",
    "CatalogSettings",
    "ChatSettings",
    "ExportSettings",
    "OperatorSettings",
    "ReconcileSettings",
    "RollupSettings",
    "SettleSettings",
    "SweepSettings",
]
