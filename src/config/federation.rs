//! `[federation]`: other servers.

use std::path::PathBuf;

use super::section::section;

section! {
    /// Other servers.
    Federation {
        /// False: this server talks to no other server.
        enabled: bool = true;
        /// PEM files of certificate authorities that count besides the public ones.
        extra_ca_files: Vec<PathBuf> = Vec::new();
        /// True lets other servers have private and loopback addresses (for tests and intranets).
        allow_private_addresses: bool = false;
    }
}
