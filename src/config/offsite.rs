//! `[offsite]`: an S3-compatible store that locks objects.

use std::path::PathBuf;

use super::section::section;

section! {
    /// An S3-compatible store with Object Lock, for backups to `s3://bucket/prefix`. Objects are put
    /// in compliance mode: nobody can delete or change them before their date.
    Offsite {
        /// Where the server ships to by itself: orders to destroy, closed segments, media and
        /// checkpoints. Receipts of destruction then wait until their orders are there. Without it
        /// nothing is shipped but by `chancery backup`.
        ship_to: Option<String> = None, sample "\"s3://records/chancery\"";
        /// The open segment of the log is closed, and shipped, when its first entry is so many hours
        /// old; 0 for only when it is full. At most 8760.
        close_after_hours: u32 = 24;
        /// A checkpoint of the ledger is shipped this often, where there is a new one, in seconds;
        /// 1 to 86400.
        checkpoint_seconds: u32 = 900;
        /// Address of the store; without it: that of the region at AWS.
        endpoint: Option<String> = None, sample "\"https://s3.example.org\"";
        /// Region, as the store names it.
        region: String = "us-east-1".to_owned();
        /// The bucket stands in the path and not in the host name, as most stores other than AWS
        /// have it.
        path_style: bool = true;
        /// File with two lines, access key and secret key. Without it: `AWS_ACCESS_KEY_ID` and
        /// `AWS_SECRET_ACCESS_KEY` in the environment.
        credentials_file: Option<PathBuf> = None, sample "\"/etc/chancery/offsite.key\"";
        /// Objects are locked for so many days at least from the backup that names them last; 1 to
        /// 36500. Where a policy in force keeps anything for longer, that counts.
        retention_days: u32 = 90;
        /// Put a legal hold, which has no date, on every object, also while no hold is open.
        legal_hold: bool = false;
        /// One try of a request may take so many seconds, and as long beyond as its bytes take at
        /// 64 KiB a second; 1 to 3600.
        timeout_seconds: u32 = 300;
        /// A file larger than this goes up in parts of this size, in MiB; 5 to 5120. The whole file
        /// is then read back to be checked, for the store has no SHA-256 of it.
        part_mebibytes: u32 = 1024;
        /// A request is tried so often in all; 1 to 10.
        tries: u32 = 4;
    }
}
