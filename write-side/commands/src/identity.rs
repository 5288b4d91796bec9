//! Who this server is: its name and its signing key.
//!
//! Owns the key file `<keys dir>/signing.key`: one line `ed25519 <key version> <seed in unpadded
//! base64>`, the form that other homeservers use, so that a key can be brought along.
//! Never prints the seed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use event_log::Random;
use ruma::{
    AnyKeyName, OwnedServerName, OwnedServerSigningKeyId, OwnedSigningKeyId, ServerSigningKeyId,
    ServerSigningKeyVersion, SigningKeyAlgorithm,
    signatures::{KeyPair, Signature},
};

/// Name of the key file.
pub const SIGNING_KEY_FILE: &str = "signing.key";
/// The key file is at most this large.
const FILE_BYTES_MAX: u64 = 4096;

/// Name and key of this server.
#[derive(Debug)]
pub struct ServerIdentity {
    /// The server name.
    pub server_name: OwnedServerName,
    /// The key that signs our events and requests.
    pub key_pair: ServerKey,
    key_version: String,
    public_key: [u8; 32],
}

/// The key that signs.
#[derive(Debug)]
pub struct ServerKey {
    key: Ed25519KeyPair,
    id: OwnedSigningKeyId<AnyKeyName>,
}

impl KeyPair for ServerKey {
    fn sign(&self, message: &[u8]) -> Signature {
        Signature::new(self.id.clone(), self.key.sign(message).as_ref().to_vec())
    }
}

/// The key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Reading or writing it failed.
    #[error("the signing key file {path} could not be read or written")]
    Io {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It holds something else.
    #[error("the signing key file {path} is not one line `ed25519 <version> <base64 seed>`")]
    Malformed {
        /// The file.
        path: String,
    },
}

impl ServerIdentity {
    /// Reads the key, or makes and stores one at the first start.
    pub fn load_or_create(
        server_name: OwnedServerName,
        keys_dir: &Path,
        random: &dyn Random,
    ) -> Result<Self, IdentityError> {
        let path = keys_dir.join(SIGNING_KEY_FILE);
        let io_error = |source| IdentityError::Io { path: path.display().to_string(), source };
        let line = match read_bounded(&path) {
            Ok(line) => line,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(keys_dir, &path, random).map_err(io_error)?
            }
            Err(error) => return Err(io_error(error)),
        };
        let malformed = || IdentityError::Malformed { path: path.display().to_string() };
        let (key_version, seed) = parse(&line).ok_or_else(malformed)?;
        Self::from_seed(server_name, key_version, &seed).ok_or_else(malformed)
    }

    /// The identity with this seed. `None` for a key version that Matrix does not allow.
    pub fn from_seed(
        server_name: OwnedServerName,
        key_version: String,
        seed: &[u8; 32],
    ) -> Option<Self> {
        <&ServerSigningKeyVersion>::try_from(key_version.as_str()).ok()?;
        let key = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let public_key = key.public_key().as_ref().try_into().ok()?;
        let id = format!("ed25519:{key_version}").try_into().ok()?;
        let key_pair = ServerKey { key, id };
        Some(Self { server_name, key_pair, key_version, public_key })
    }

    /// Id of the key, `ed25519:<version>`.
    pub fn key_id(&self) -> OwnedServerSigningKeyId {
        ServerSigningKeyId::from_parts(
            SigningKeyAlgorithm::Ed25519,
            <&ServerSigningKeyVersion>::try_from(self.key_version.as_str())
                .expect("the version was checked when the identity was made"),
        )
    }

    /// The public key.
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }
}

fn read_bounded(path: &Path) -> io::Result<String> {
    use io::Read as _;
    let mut line = String::new();
    File::open(path)?.take(FILE_BYTES_MAX).read_to_string(&mut line)?;
    Ok(line)
}

fn parse(line: &str) -> Option<(String, [u8; 32])> {
    let mut words = line.split_whitespace();
    let ("ed25519", version, seed, None) =
        (words.next()?, words.next()?, words.next()?, words.next())
    else {
        return None;
    };
    let seed = STANDARD_NO_PAD.decode(seed.trim_end_matches('=')).ok()?;
    Some((version.to_owned(), seed.try_into().ok()?))
}

/// Makes a key and stores it durably before anything is signed with it.
///
/// A crash before the rename leaves a `.new` file that the next start writes over; a crash after
/// it leaves the whole key. Nothing was signed with it in either case.
fn create(keys_dir: &Path, path: &Path, random: &dyn Random) -> io::Result<String> {
    let mut seed = [0; 32];
    random.fill(&mut seed);
    let mut version = [0; 4];
    random.fill(&mut version);
    let version = u32::from_be_bytes(version);
    let line = format!("ed25519 a_{version:08x} {}\n", STANDARD_NO_PAD.encode(seed));

    fs::create_dir_all(keys_dir)?;
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(keys_dir)?.sync_all()?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use event_log::SeededRandom;
    use ruma::server_name;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let name = server_name!("example.org").to_owned();
        let open = |seed| {
            ServerIdentity::load_or_create(name.clone(), dir.path(), &SeededRandom::new(seed))
                .unwrap()
        };
        let first = open(1);
        let second = open(2);
        assert_eq!(first.public_key(), second.public_key());
        assert_eq!(first.key_id(), second.key_id());
        let mode = fs::metadata(dir.path().join(SIGNING_KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn another_servers_file_is_read_and_nonsense_is_refused() {
        let seed = STANDARD_NO_PAD.encode([7; 32]);
        assert_eq!(parse(&format!("ed25519 a_1 {seed}\n")), Some(("a_1".to_owned(), [7; 32])));
        assert_eq!(parse("ed25519 a_1 AAAA"), None);
        assert_eq!(parse(""), None);
    }
}
