"""A small stack of its own: functions in a folder, their template, and raw clients."""

import contextlib
import json
import os
import socket
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from functools import cache
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.functions import FunctionConfig
from local.gateway import RunningGateway, running
from local.routes import Routes, read_routes
from local.transform import transform

PATIENCE_S = 20.0
RUNTIME_LAYER = Path(__file__).parents[2] / "layers" / "runtime"

HANDLER = """
    import json, os, pathlib, sys, time
    from lambda_stream import StreamingResponse

    def wait(path):
        with open(path) as gate:  # a FIFO: blocks until the test opens it for writing
            gate.read()

    def note(event, text):
        with open(arguments(event)["notes"], "a") as notes:
            notes.write(text + "\\n")

    def arguments(event):
        return json.loads(event["body"])

    def reply(value):
        return {"statusCode": 200, "body": json.dumps(value)}

    def lambda_handler(event, context):
        return globals()[event["path"].split("/")[2]](event, context)
"""

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Origin: {Type: String, Default: "https://app.example"}
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      Cors:
        AllowOrigin: "'*'"
        AllowHeaders: "'authorization'"
        AllowMethods: "'GET,POST'"
        MaxAge: "'600'"
      GatewayResponses:
        DEFAULT_4XX:
          ResponseParameters:
            Headers: {Access-Control-Allow-Origin: "'*'"}
        DEFAULT_5XX:
          ResponseParameters:
            Headers: {X-Origin: !Sub "'${Origin}'"}
          ResponseTemplates:
            application/json: '{"failed":$context.error.messageString,"id":"$context.requestId"}'
        MISSING_AUTHENTICATION_TOKEN:
          StatusCode: 404
          ResponseTemplates:
            application/json: '{"type":"$context.error.responseType"}'
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: handler.lambda_handler
      CodeUri: .
      Events:
        Stream: {Type: Api, Properties: {RestApiId: !Ref Api, Path: "/stream/{name}",
          Method: POST, ResponseTransferMode: RESPONSE_STREAM, TimeoutInMillis: 600000}}
        Hasty: {Type: Api, Properties: {RestApiId: !Ref Api, Path: "/hasty/{name}",
          Method: POST, ResponseTransferMode: RESPONSE_STREAM, TimeoutInMillis: 300}}
        Plain: {Type: Api, Properties: {RestApiId: !Ref Api, Path: "/plain/{name}",
          Method: ANY, TimeoutInMillis: 29000}}
        Deep: {Type: Api, Properties: {RestApiId: !Ref Api, Path: "/plain/{name}/{rest+}",
          Method: GET}}
        Exact: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /plain/exact, Method: GET}}
"""


@cache
def template_routes() -> Routes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.yaml"
        path.write_text(TEMPLATE)
        return read_routes(transform(path), parameters={"Origin": "https://app.example"})


@contextlib.contextmanager
def running_functions(
    folder: Path, source: str, *, timeout_s: float = 60, max_workers: int = 4, **variables: str
) -> Iterator[RunningGateway]:
    """Serve `/stream/<name>` and `/plain/<name>` by the functions of that name in the source."""
    (folder / "handler.py").write_text(textwrap.dedent(HANDLER) + textwrap.dedent(source))
    function = FunctionConfig(
        name="Function",
        code=folder,
        handler="handler.lambda_handler",
        layers=(RUNTIME_LAYER,),
        environment=variables,
        timeout_s=timeout_s,
        memory_mb=256,
    )
    with running(
        {"Function": function}, template_routes(), log_dir=folder, max_workers=max_workers
    ) as gateway:
        yield gateway


def address(gateway: RunningGateway) -> tuple[str, int]:
    parts = urlsplit(gateway.url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


@contextlib.contextmanager
def connected(gateway: RunningGateway) -> Iterator[HTTPConnection]:
    with contextlib.closing(HTTPConnection(*address(gateway), timeout=PATIENCE_S)) as connection:
        yield connection


def ask(
    gateway: RunningGateway, path: str, body: Any = None, *, method: str = "POST"
) -> tuple[HTTPResponse, bytes]:
    """Send one request on a connection of its own; return the response and its whole body."""
    with connected(gateway) as connection:
        connection.request(method, path, None if body is None else json.dumps(body))
        response = connection.getresponse()
        return response, response.read()


def raw(gateway: RunningGateway) -> socket.socket:
    return socket.create_connection(address(gateway), timeout=PATIENCE_S)


def raw_post(path: str, body: Any) -> bytes:
    data = json.dumps(body).encode()
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


def receive_until(connection: socket.socket, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end):
        data = connection.recv(65536)
        assert data, received
        received += data
    return received


def make_fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def release(fifo: Path) -> None:
    with fifo.open("w"):
        pass


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that nobody has reaped, as in a container, does not."""
    try:
        os.kill(pid, 0)
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # no /proc on this system, or it ended just now
        return not Path("/proc").exists()
