"""Weir: a self-hosted, multi-tenant gateway that speaks OpenRouter's API."""
