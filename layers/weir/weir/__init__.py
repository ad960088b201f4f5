"""Weir: a self-hosted, multi-tenant gateway that speaks OpenRouter's API."""

VERSION = "0.1.0"
"""Of this release, as `pyproject.toml` has it."""
