//! `[server]`: who this server is and where its data lies.

use std::path::PathBuf;

use ruma::OwnedServerName;

use super::section::section;

section! {
    /// Who this server is and where its data lies.
    Server {
        /// The server's name: the part after the colon of its users' ids. Required in a file.
        /// It can never be changed once there is a log.
        name: OwnedServerName = ruma::owned_server_name!("localhost");
        /// The directory of everything that the server writes.
        data_dir: PathBuf = PathBuf::from("./chancery-data");
        /// The URL under which clients reach this server, for /.well-known/matrix/client.
        /// Without it that document does not exist.
        public_base_url: Option<String> = None, sample "\"https://matrix.example.org\"";
    }
}
