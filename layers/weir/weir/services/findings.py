"""What a run of close and reconciliation tells the operator: one log line, one set of figures."""

from dataclasses import asdict

from weir.services.close import CloseReport
from weir.services.reconcile import ReconcileReport

# One line of the log holds no more; the audit names them all.
MAX_NAMED = 50


def findings(closed: CloseReport, report: ReconcileReport) -> dict[str, object]:
    """Return the findings as JSON: exact integers, in nano-USD; and each day that drifts."""
    comparison = report.comparison
    return {
        "closed": closed.closed,
        "folded": closed.folded,
        "waiting": closed.waiting,
        "accounts": closed.accounts,
        "mismatches": [asdict(mismatch) for mismatch in closed.mismatches[:MAX_NAMED]],
        "violations": list(closed.violations[:MAX_NAMED]),
        "resolved": report.resolved,
        "unknown": report.unknown,
        "postponed": report.postponed,
        "pairs": dict(report.pairs),
        "upstream_books": str(comparison.state),
        "compared_days": len(comparison.days),
        "drift_nano_usd": comparison.drift_nano_usd,
        "since_baseline_nano_usd": comparison.since_baseline_nano_usd,
        "drifts": [
            {**asdict(day), "drift_nano_usd": day.drift_nano_usd}
            for day in comparison.days
            if day.drift_nano_usd
        ],
    }


def figures(closed: CloseReport, report: ReconcileReport) -> dict[str, int]:
    """Return the metrics; without upstream's books there is no drift to tell, not one of zero."""
    found = {
        "Closed": closed.closed,
        "CloseMismatch": len(closed.mismatches),
        "LedgerViolations": len(closed.violations),
        "Resolved": report.resolved,
        "UnknownRecords": report.unknown,
        "Postponed": report.postponed,
    }
    if report.comparison.since_baseline_nano_usd is not None:
        found["DriftNanoUsd"] = abs(report.comparison.drift_nano_usd)
    return found


def is_alarming(closed: CloseReport, report: ReconcileReport) -> bool:
    """Tell whether an operator should look at the findings."""
    return bool(closed.mismatches or closed.violations or report.comparison.drift_nano_usd)
