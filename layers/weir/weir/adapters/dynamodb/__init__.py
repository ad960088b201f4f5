"""The ledger and the key store over DynamoDB. Knows items and expressions; decides nothing."""
