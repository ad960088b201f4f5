"""An OpenRouter that runs on this machine: its wire contract, its own exact ledger, its faults.

The newcomer's upstream, the tests' upstream, and the chaos kit of an operator. It shares no code
with the gateway, so that the two ledgers can check each other.
"""

from local.simulator.faults import Fault
from local.simulator.ledger import LedgerEntry
from local.simulator.requests import ReceivedRequest
from local.simulator.server import Simulator

__all__ = ["Fault", "LedgerEntry", "ReceivedRequest", "Simulator"]
