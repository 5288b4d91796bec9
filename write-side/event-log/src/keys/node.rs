//! One node of a key tree, and the leaf keys that come out at the bottom.
//!
//! Owns the derivation of a child: SHA-256(b as one byte ‖ node). Key bytes are wiped on drop.

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Levels between a root and its leaves.
pub(super) const TREE_LEVELS: u32 = 64;

/// Bytes of every node.
pub(super) const NODE_BYTES: usize = 32;

/// The secret of a node: whoever has it can derive every leaf below it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Node([u8; NODE_BYTES]);

impl Node {
    pub(super) fn from_bytes(bytes: [u8; NODE_BYTES]) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8; NODE_BYTES] {
        &self.0
    }

    /// The left (`false`) or right (`true`) child.
    pub(super) fn child(&self, right: bool) -> Self {
        let mut input = [0; 1 + NODE_BYTES];
        input[0] = u8::from(right);
        input[1..].copy_from_slice(&self.0);
        let child = Self(Sha256::digest(input).into());
        input.zeroize();
        child
    }

    /// This node taken for a leaf.
    pub(super) fn to_leaf(&self) -> LeafKey {
        LeafKey(self.0)
    }
}

/// True where the path to `index` turns right below a node at `depth` (0 = root).
pub(super) fn turns_right(index: u64, depth: u32) -> bool {
    (index >> (TREE_LEVELS - 1 - depth)) & 1 == 1
}

/// The key of one leaf: one of the two factors of a part's keys.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct LeafKey([u8; NODE_BYTES]);

impl LeafKey {
    /// A leaf key from its bytes, for whoever checks a disclosed one.
    pub fn from_bytes(bytes: [u8; NODE_BYTES]) -> Self {
        Self(bytes)
    }

    /// The secret bytes.
    pub fn bytes(&self) -> &[u8; NODE_BYTES] {
        &self.0
    }
}

impl std::fmt::Debug for LeafKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LeafKey(secret)")
    }
}
