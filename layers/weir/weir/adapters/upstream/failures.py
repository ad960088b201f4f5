"""What goes wrong on the wire, as errors of the product.

The kind of exception matters less than how far the call got: only a request that upstream received
completely can have cost something.

| the request was sent | the wait timed out | error                | cost       |
|----------------------|--------------------|----------------------|------------|
| no                   | either             | ProviderError 502    | zero       |
| yes                  | yes                | UpstreamTimeoutError | not known  |
| yes                  | no                 | ProviderError 502    | not known  |
"""

import http.client

import requests
import urllib3.exceptions

from weir.domain.errors import ProviderError, UpstreamTimeoutError

# Everything requests, urllib3, http.client, ssl and sockets raise for a call that fails.
FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
)

_TIMEOUTS = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)


def failure(error: Exception, *, sent: bool) -> ProviderError:
    """Return the error that a failed call means; it keeps nothing of the exception.

    `sent` tells whether the whole request had been handed to the network.
    """
    if not sent:
        return ProviderError("Upstream could not be reached.", cost_is_zero=True)
    if isinstance(error, _TIMEOUTS):
        return UpstreamTimeoutError("Upstream did not answer in time.", cost_is_zero=False)
    return ProviderError("The connection to upstream broke.", cost_is_zero=False)
