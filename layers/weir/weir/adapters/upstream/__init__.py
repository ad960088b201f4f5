"""The upstream API: one connection pool, one deadline per call, one key that never leaves."""
