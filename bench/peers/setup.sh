#!/usr/bin/env bash
# Makes the Python environment of the peer programs, the fixture generators and data/*.py.
#
#     bench/peers/setup.sh [DIR]      DIR: default bench/peers/.venv
#
# Everything is pinned in requirements.txt and comes from the package index that pip is set to.
# About 2.6 GB to fetch and 4.3 GB on disk, most of it CUDA libraries which PyTorch's default
# wheel needs to be imported at all. PYTHON names the interpreter (default python3, ≥ 3.11).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${1:-$here/.venv}

"${PYTHON:-python3}" -m venv "$dir"
"$dir/bin/python" -m pip install --no-deps --quiet -r "$here/requirements.txt"
"$dir/bin/python" -c 'import torch, sklearn; print(f"torch {torch.__version__}, scikit-learn {sklearn.__version__}")'
echo "ready: $dir/bin/python"
