//! What is known beyond the end of a log that is open here and may be an older copy of itself.

use anyhow::{Context as _, Result};
use event_log::{Log, ledger::CHECKPOINT_FILE};

use super::{Newest, NewestRequest, live::read_keyring, newest::Older};
use crate::{config::Config, wiring::log_options};

/// Looks at the copies named, and at the last checkpoint that this server signed.
pub(crate) fn newest_than(config: &Config, log: &Log, request: NewestRequest) -> Result<Newest> {
    let keys_dir = log_options(config).keys_dir;
    let keyring = read_keyring(&keys_dir)
        .context("the keyring cannot be read")?
        .context("there is no keyring")?;
    let end = log.head();
    let last = log.read_raw(end)?.context("the log has no last entry")?;
    let mut request = request;
    let signed = keys_dir.join(CHECKPOINT_FILE);
    if let Ok(note) = std::fs::read_to_string(&signed) {
        request.checkpoints.push((signed.display().to_string(), note));
    }
    let older = Older {
        log_id: &log.log_id().to_string(),
        end,
        digest: last.digest,
        incarnation: log.incarnation(),
        keyring: &keyring,
        keys_dir: &keys_dir,
    };
    Newest::find(&older, &request)
}
