#!/usr/bin/env bash
# Installs what the tests need on a bare Debian machine, then checks formatting, lints and runs every test.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v c++ >/dev/null || missing+=(g++)
command -v make >/dev/null || missing+=(make)
command -v cmake >/dev/null || missing+=(cmake)
# For the commands of the README's walkthrough and of docs/compliance/auditor.md.
command -v curl >/dev/null || missing+=(curl ca-certificates)
command -v openssl >/dev/null || missing+=(openssl)
if [ "${#missing[@]}" -gt 0 ]; then
    apt-get update -q
    apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

# tests/ledger.rs has the ledger verified by other people's Go tools. They come from the Go module
# proxy; where it cannot be reached that one comparison is left out, and everything else runs.
command -v go >/dev/null ||
    { apt-get update -q && apt-get install -q -y --no-install-recommends golang ca-certificates; } ||
    true
if ! (cd tests/ledger-go && go mod download); then
    echo "tests/run.sh: Go or its modules cannot be had; the ledger is not checked by Go tools" >&2
    export CHANCERY_WITHOUT_GO=1
fi

# tests/object_lock.rs, tests/offsite.rs and tests/offsite_export.rs lock objects in a real
# S3-compatible server, which is made here out of the Go module proxy; where that cannot be reached those tests are left out, and everything else runs.
export CHANCERY_VERSITYGW="${CHANCERY_VERSITYGW:-$HOME/.cache/chancery/go/bin/versitygw}"
if ! [ -x "$CHANCERY_VERSITYGW" ] &&
    ! GOBIN="$(dirname "$CHANCERY_VERSITYGW")" go install github.com/versity/versitygw/cmd/versitygw@v1.8.0; then
    echo "tests/run.sh: versitygw cannot be had; Object Lock is not tested against a real store" >&2
    export CHANCERY_WITHOUT_S3=1
fi

# And in MinIO, made out of the module proxy too: a quarter of an hour on two cores, once.
# CHANCERY_WITHOUT_MINIO=1 leaves it out.
export CHANCERY_MINIO="${CHANCERY_MINIO:-$HOME/.cache/chancery/go/bin/minio}"
if [ -z "${CHANCERY_WITHOUT_MINIO:-}" ] && ! [ -x "$CHANCERY_MINIO" ] &&
    ! GOBIN="$(dirname "$CHANCERY_MINIO")" go install github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c; then
    echo "tests/run.sh: MinIO cannot be had; Object Lock is tested against versitygw alone" >&2
    export CHANCERY_WITHOUT_MINIO=1
fi

cargo fmt --check
cargo clippy --locked --workspace --all-targets -- -D warnings
cargo test --locked --workspace
