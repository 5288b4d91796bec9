#!/usr/bin/env bash
# Two matrix-sdk clients and two matrix-js-sdk clients against the release binary, which is killed in
# the middle. Builds the server unless CHANCERY names a binary, and both clients from their lock
# files; as root, installs what is missing with apt. Fails if one of the two conversations does.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"

missing=()
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v c++ >/dev/null || missing+=(g++)
command -v make >/dev/null || missing+=(make)
command -v cmake >/dev/null || missing+=(cmake)
command -v npm >/dev/null || missing+=(nodejs npm)
if [ "${#missing[@]}" -gt 0 ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "install these packages first, or run this as root: ${missing[*]}" >&2
        exit 1
    fi
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

if [ -z "${CHANCERY:-}" ]; then
    cargo build --locked --release --bin chancery
    CHANCERY="$CARGO_TARGET_DIR/release/chancery"
fi
CHANCERY="$(realpath "$CHANCERY")"
export CHANCERY
"$CHANCERY" --version

echo "== matrix-sdk (Rust)"
# The SDK declares a newer compiler than it needs.
cargo run --locked --ignore-rust-version --manifest-path tests/clients/rust/Cargo.toml \
    --target-dir "$CARGO_TARGET_DIR/clients"

echo "== matrix-js-sdk (JavaScript)"
cd tests/clients/js
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
npm test --silent
echo "both conversations went well"
