"""What the product is about: money, holds, usage, keys. Pure; standard library only."""
