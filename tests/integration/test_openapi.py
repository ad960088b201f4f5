"""The API's document and the gateway's health, as anybody gets them."""

import json

import requests

from local.openapi import PATH
from local.stack import LocalStack
from weir import VERSION


def test_the_document_leads_to_the_gateway_that_serves_it(stack: LocalStack) -> None:
    response = requests.get(f"{stack.base_url}/openapi.json", timeout=30)
    document = response.json()

    assert response.status_code == 200
    assert document.pop("servers") == [{"url": stack.gateway.url}]
    assert document == json.loads(PATH.read_text(encoding="utf-8"))
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_the_document_is_not_sent_again_when_the_client_has_it(stack: LocalStack) -> None:
    url = f"{stack.base_url}/openapi.json"
    tag = requests.get(url, timeout=30).headers["ETag"]

    response = requests.get(url, headers={"If-None-Match": tag}, timeout=30)

    assert (response.status_code, response.content) == (304, b"")


def test_the_gateway_is_well_when_its_tables_answer(stack: LocalStack) -> None:
    requests.get(f"{stack.base_url}/models", timeout=30)

    for url in (f"{stack.gateway.url}/health", f"{stack.base_url}/health"):
        response = requests.get(url, timeout=30)
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "no-store"
        assert response.json()["version"] == VERSION
        assert response.json()["checks"]["tables"] == {"status": "ok"}
