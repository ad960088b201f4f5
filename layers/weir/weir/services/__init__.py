"""One use case per module. Tells the story and calls the ports of `weir.domain.ports`."""
