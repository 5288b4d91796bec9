//! Signed notes (C2SP `signed-note`): text, a blank line, signatures.
//!
//! Owns the format, Ed25519 keys by name and their `vkey` form. What a note says is up to others.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// A note is at most this large; with 64 signatures of post-quantum size it is smaller.
pub const NOTE_BYTES_MAX: usize = 512 * 1024;
/// And carries at most this many signatures (verifiers must take at least 16).
pub(crate) const SIGNATURES_MAX: usize = 64;
/// The type byte of Ed25519 signatures.
const ED25519: u8 = 1;
const DASH: &str = "\u{2014} ";

/// What is wrong with a note or a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not in the format of a signed note.
    #[error("this is no signed note")]
    Malformed,
    /// Not in the format of a verifier key, or not of an Ed25519 one.
    #[error("this is no verifier key (`name+id+key`) of Ed25519")]
    Key,
    /// A signature under the name and id of a trusted key does not verify.
    #[error("the signature does not verify: the note was altered")]
    Signature,
    /// No signature is by a trusted key.
    #[error("the note is not signed by a trusted key")]
    Unknown,
}

/// A public key with the name under which it signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: VerifyingKey,
}

/// A private key with the name under which it signs.
pub struct NoteSigner {
    name: String,
    key: ed25519_dalek::SigningKey,
}

/// A note as it was read. Its text is not to be believed before [`Note::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The text, with its last newline.
    pub text: String,
    /// The signatures in order.
    pub signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub id: [u8; 4],
    /// The signature itself, of whatever type.
    pub bytes: Vec<u8>,
}

/// True for names that a signature line can hold.
pub fn is_key_name(name: &str) -> bool {
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    !name.is_empty() && !name.contains(forbidden)
}

impl VerifierKey {
    /// A key by its parts.
    pub fn new(name: &str, public_key: &[u8; 32]) -> Result<Self, NoteError> {
        let key = VerifyingKey::from_bytes(public_key).map_err(|_| NoteError::Key)?;
        if !is_key_name(name) {
            return Err(NoteError::Key);
        }
        Ok(Self { name: name.to_owned(), key })
    }

    /// By its `vkey` text.
    pub fn from_vkey(vkey: &str) -> Result<Self, NoteError> {
        let (name, rest) = vkey.split_once('+').ok_or(NoteError::Key)?;
        let (id, key) = rest.split_once('+').ok_or(NoteError::Key)?;
        let key = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
        let Some((&ED25519, key)) = key.split_first() else {
            return Err(NoteError::Key);
        };
        let key = Self::new(name, key.try_into().map_err(|_| NoteError::Key)?)?;
        if hex(key.id()) != id {
            return Err(NoteError::Key);
        }
        Ok(key)
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key (RFC 8032).
    pub fn public_key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The id under which it signs: the front of a hash over name, type and key.
    pub fn id(&self) -> [u8; 4] {
        let hash = Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', ED25519])
            .chain_update(self.key.as_bytes())
            .finalize();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// Whether this key made an Ed25519 signature over a text.
    pub fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut typed = vec![ED25519];
        typed.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, hex(self.id()), STANDARD.encode(typed))
    }
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

impl NoteSigner {
    /// A signer by name and seed (RFC 8032). `None` for a name that no note can hold.
    pub fn new(name: &str, seed: &[u8; 32]) -> Option<Self> {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        is_key_name(name).then(|| Self { name: name.to_owned(), key })
    }

    /// The same key under another name.
    pub(crate) fn named(&self, name: &str) -> Option<Self> {
        is_key_name(name).then(|| Self { name: name.to_owned(), key: self.key.clone() })
    }

    /// What verifies its signatures.
    pub fn verifier(&self) -> VerifierKey {
        VerifierKey { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// An Ed25519 signature over a text.
    pub fn sign(&self, text: &str) -> [u8; 64] {
        self.key.sign(text.as_bytes()).to_bytes()
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NoteSigner").field(&self.verifier().to_string()).finish()
    }
}

impl Note {
    /// A note over a text that ends with a newline, signed by all signers.
    pub fn sign(text: String, signers: &[&NoteSigner]) -> Self {
        let signatures = signers.iter().map(|signer| {
            let verifier = signer.verifier();
            let (name, id) = (verifier.name.clone(), verifier.id());
            NoteSignature { name, id, bytes: signer.sign(&text).to_vec() }
        });
        Self { signatures: signatures.collect(), text }
    }

    /// Reads a note. Nothing is verified yet.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        let controls = note.bytes().any(|byte| byte < 0x20 && byte != b'\n');
        if note.len() > NOTE_BYTES_MAX || controls {
            return Err(NoteError::Malformed);
        }
        let blank = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let (text, lines) = (&note[..=blank], &note[blank + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Malformed)?;
        let signatures: Vec<_> = lines
            .split('\n')
            .take(SIGNATURES_MAX + 1)
            .map(signature_line)
            .collect::<Option<_>>()
            .ok_or(NoteError::Malformed)?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(NoteError::Malformed);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Answers the keys that signed it. Signatures of unknown keys are passed over; one under a
    /// known key's name and id that does not verify condemns the note.
    pub fn verify<'a>(&self, keys: &'a [VerifierKey]) -> Result<Vec<&'a VerifierKey>, NoteError> {
        let mut signed = Vec::new();
        for signature in &self.signatures {
            let known = |key: &&VerifierKey| key.name == signature.name && key.id() == signature.id;
            let Some(key) = keys.iter().find(known) else { continue };
            if !key.verifies(&self.text, &signature.bytes) {
                return Err(NoteError::Signature);
            }
            signed.push(key);
        }
        if signed.is_empty() { Err(NoteError::Unknown) } else { Ok(signed) }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for NoteSignature { name, id, bytes } in &self.signatures {
            let mut line = id.to_vec();
            line.extend_from_slice(bytes);
            writeln!(f, "{DASH}{name} {}", STANDARD.encode(line))?;
        }
        Ok(())
    }
}

fn signature_line(line: &str) -> Option<NoteSignature> {
    let (name, bytes) = line.strip_prefix(DASH)?.split_once(' ')?;
    let bytes = STANDARD.decode(bytes).ok()?;
    let (id, bytes) = bytes.split_first_chunk::<4>()?;
    (is_key_name(name) && !bytes.is_empty()).then(|| NoteSignature {
        name: name.to_owned(),
        id: *id,
        bytes: bytes.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const NOTE: &str = "This is an example message.\n\n\
        \u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    #[test]
    fn the_example_of_the_specification_verifies_and_no_altered_one() {
        let key = VerifierKey::from_vkey(VKEY).unwrap();
        assert_eq!(key.to_string(), VKEY);
        let keys = [key];
        let note = Note::parse(NOTE).unwrap();
        assert_eq!(note.to_string(), NOTE);
        assert_eq!(note.verify(&keys).unwrap().len(), 1);
        for at in 0..NOTE.len() {
            let mut altered = NOTE.as_bytes().to_vec();
            altered[at] ^= 1;
            let Ok(altered) = String::from_utf8(altered) else { continue };
            let verdict = Note::parse(&altered).and_then(|n| n.verify(&keys).map(|k| k.len()));
            assert!(verdict.is_err(), "byte {at}");
        }
        for cut in 0..NOTE.len() {
            if NOTE.is_char_boundary(cut) {
                assert_eq!(Note::parse(&NOTE[..cut]), Err(NoteError::Malformed), "cut at {cut}");
            }
        }
    }

    #[test]
    fn unknown_signatures_are_passed_over() {
        let ours = NoteSigner::new("example.org/log", &[1; 32]).unwrap();
        let other = NoteSigner::new("example.org/witness", &[2; 32]).unwrap();
        // The same name under another key: unknown by its id.
        let rotated = NoteSigner::new("example.org/log", &[3; 32]).unwrap();
        let note = Note::sign("text\n\nmore\n".to_owned(), &[&other, &rotated, &ours]);
        let note = Note::parse(&note.to_string()).unwrap();
        assert_eq!(note.text, "text\n\nmore\n");
        assert_eq!(note.verify(&[ours.verifier()]).unwrap(), [&ours.verifier()]);
        let stranger = NoteSigner::new("example.org/x", &[1; 32]).unwrap();
        assert_eq!(note.verify(&[stranger.verifier()]), Err(NoteError::Unknown));
    }

    #[test]
    fn keys_of_a_wrong_form_are_refused() {
        for wrong in [
            "",
            "example.com/foo",
            "example.com/foo+530d903a",
            "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
            "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example com+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        ] {
            assert_eq!(VerifierKey::from_vkey(wrong), Err(NoteError::Key), "{wrong}");
        }
    }
}
