"""What Weir costs beside the limit: a bare handler with the same upstream call and no ledger."""
