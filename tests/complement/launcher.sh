#!/bin/sh
# One Chancery for one server of Complement that runs as a plain process.
#
# The variables are those of a launcher: SERVER_NAME, LISTEN_ADDR, CLIENT_PORT, SHARED_SECRET and
# DATA_DIR, which is empty at first and kept over restarts. CHANCERY is the binary.
set -eu

cd "$DATA_DIR"
umask 077
printf '%s' "$SHARED_SECRET" > registration.secret
cat > chancery.toml <<TOML
[server]
name = "$SERVER_NAME"
data_dir = "$DATA_DIR/data"
public_base_url = "http://$LISTEN_ADDR:$CLIENT_PORT"
[listen]
client = "$LISTEN_ADDR:$CLIENT_PORT"
[registration]
mode = "open"
shared_secret_file = "$DATA_DIR/registration.secret"
[rooms]
# The suite was written for rooms whose creator stands in the power levels.
default_version = "11"
[limits]
enabled = false
TOML
exec "${CHANCERY:-chancery}" --config chancery.toml serve
