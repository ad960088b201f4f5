"""Inbound edge: API Gateway events and OpenRouter's wire JSON to the domain and back."""
