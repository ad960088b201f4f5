"""Outbound edge: DynamoDB, the upstream API, secrets, the clock."""
