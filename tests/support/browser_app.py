"""An app in a browser, served from an origin of its own: it signs in, and streams an answer."""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from typing_extensions import override

# As the TypeScript SDK does it: a verifier that stays here, the challenge in the URL of /auth.
PAGE = """<!doctype html><meta charset="utf-8"><title>App</title>
<link rel="icon" href="data:,"><button id="start">Sign in</button><pre id="result"></pre>
<script type="module">
const gateway = %(gateway)s, here = new URL(location.href), parts = here.searchParams;
const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
  .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const kept = sessionStorage;

document.getElementById('start').onclick = async () => {
  kept.verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  kept.state = crypto.randomUUID();
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(kept.verifier));
  const to = new URL('/auth', gateway);
  to.search = new URLSearchParams({
    callback_url: `${location.origin}/back?from=gateway`, code_challenge: base64url(digest),
    code_challenge_method: 'S256', key_label: 'Browser app', limit: '1', state: kept.state,
    tenant: parts.get('tenant') ?? kept.tenant,
  });
  kept.tenant = to.searchParams.get('tenant');
  location.assign(to);
};

window.exchange = async (body) => {
  const answer = await fetch(`${gateway}/api/v1/auth/keys`, {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body),
  });
  return {status: answer.status, body: await answer.json()};
};

window.ask = async (key) => {
  const answer = await fetch(`${gateway}/api/v1/chat/completions`, {
    method: 'POST',
    headers: {'Content-Type': 'application/json', Authorization: `Bearer ${key}`},
    body: JSON.stringify({
      model: 'weir/echo', stream: true, messages: [{role: 'user', content: 'one two three'}],
    }),
  });
  let text = '', said = '', pieces = 0;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part; !(part = await reader.read()).done;) text += part.value;
  for (const line of text.split('\\n')) {
    if (!line.startsWith('data: {')) continue;
    said += JSON.parse(line.slice(6)).choices?.[0]?.delta?.content ?? '';
    pieces += 1;
  }
  return {status: answer.status, said, pieces, ended: text.includes('data: [DONE]')};
};

const show = (result) => {
  document.getElementById('result').textContent = JSON.stringify(result);
};
if (parts.has('error')) show({error: parts.get('error'), code: parts.get('code')});
if (parts.has('code')) {
  const code = parts.get('code'), issued = await window.exchange(
    {code, code_verifier: kept.verifier, code_challenge_method: 'S256'});
  const answer = issued.status === 200 ? await window.ask(issued.body.key) : null;
  show({code, verifier: kept.verifier, issued, answer, from: parts.get('from'),
    state: parts.get('state') === kept.state});
}
</script>
"""


@dataclass
class BrowserApp:
    """Serves the app at `http://localhost:<port>` between `__enter__` and `__exit__`.

    Attributes:
        gateway: Origin of the gateway.
    """

    gateway: str

    def __enter__(self) -> Self:
        page = (PAGE % {"gateway": repr(self.gateway)}).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            @override
            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://localhost:{self._server.server_address[1]}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
