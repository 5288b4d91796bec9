//! The bytes of a key tree in the keyring.
//!
//! Owns the encoding: a pre-order walk in which a byte says what stands at a place. No path is
//! stored. There is exactly one encoding of what is left, and decoding refuses every other.
//!
//! ```text
//! 0             all leaves below are destroyed
//! 1 node        all leaves below can be derived from node (32 bytes)
//! 2 left right  two subtrees follow
//! 3 node right  the left child is whole, the right subtree follows
//! 4 node left   the right child is whole, the left subtree follows
//! ```

use zeroize::Zeroizing;

use super::{EpochTree, Subtree};
use crate::keys::node::{NODE_BYTES, Node, TREE_LEVELS};

const GONE: u8 = 0;
const WHOLE: u8 = 1;
const SPLIT: u8 = 2;
const LEFT_WHOLE: u8 = 3;
const RIGHT_WHOLE: u8 = 4;

/// Why bytes are not a key tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::keys) enum TreeFault {
    #[error("key tree is cut short")]
    Short,
    #[error("bytes follow the key tree")]
    Trailing,
    #[error("key tree is deeper than its levels")]
    TooDeep,
    #[error("key tree is not in its canonical form")]
    NotCanonical,
}

impl EpochTree {
    /// Length of [`Self::encode_into`]'s output.
    pub(in crate::keys) fn encoded_len(&self) -> usize {
        self.top.encoded_len()
    }

    /// Appends the encoding. Reserve [`Self::encoded_len`] first: a buffer that grows leaves
    /// keys behind in the memory that it gives up.
    pub(in crate::keys) fn encode_into(&self, out: &mut Zeroizing<Vec<u8>>) {
        self.top.encode_into(out);
    }

    /// Reads a tree that fills `bytes` exactly.
    pub(in crate::keys) fn decode(bytes: &[u8]) -> Result<Self, TreeFault> {
        let mut rest = bytes;
        let top = Subtree::decode(&mut rest, 0)?;
        if rest.is_empty() { Ok(Self { top }) } else { Err(TreeFault::Trailing) }
    }
}

impl Subtree {
    fn encoded_len(&self) -> usize {
        match self {
            Self::Gone => 1,
            Self::Whole(_) => 1 + NODE_BYTES,
            Self::Split(children) => match &**children {
                [Self::Whole(_), other] | [other, Self::Whole(_)] => {
                    1 + NODE_BYTES + other.encoded_len()
                }
                [left, right] => 1 + left.encoded_len() + right.encoded_len(),
            },
        }
    }

    fn encode_into(&self, out: &mut Zeroizing<Vec<u8>>) {
        match self {
            Self::Gone => out.push(GONE),
            Self::Whole(node) => push_node(out, WHOLE, node),
            Self::Split(children) => match &**children {
                [Self::Whole(node), right] => {
                    push_node(out, LEFT_WHOLE, node);
                    right.encode_into(out);
                }
                [left, Self::Whole(node)] => {
                    push_node(out, RIGHT_WHOLE, node);
                    left.encode_into(out);
                }
                [left, right] => {
                    out.push(SPLIT);
                    left.encode_into(out);
                    right.encode_into(out);
                }
            },
        }
    }

    /// Recursion is bounded by the levels of the tree.
    fn decode(rest: &mut &[u8], depth: u32) -> Result<Self, TreeFault> {
        let [tag] = take(rest)?;
        if tag > WHOLE && depth == TREE_LEVELS {
            return Err(TreeFault::TooDeep);
        }
        match tag {
            GONE => Ok(Self::Gone),
            WHOLE => Self::decode_whole(rest),
            SPLIT => {
                let left = Self::decode(rest, depth + 1)?;
                let right = Self::decode(rest, depth + 1)?;
                let whole = matches!(left, Self::Whole(_)) || matches!(right, Self::Whole(_));
                let gone = matches!((&left, &right), (Self::Gone, Self::Gone));
                if whole || gone {
                    return Err(TreeFault::NotCanonical);
                }
                Ok(Self::Split(Box::new([left, right])))
            }
            LEFT_WHOLE | RIGHT_WHOLE => {
                let whole = Self::decode_whole(rest)?;
                let other = Self::decode(rest, depth + 1)?;
                if matches!(other, Self::Whole(_)) {
                    return Err(TreeFault::NotCanonical);
                }
                Ok(Self::Split(Box::new(if tag == LEFT_WHOLE {
                    [whole, other]
                } else {
                    [other, whole]
                })))
            }
            _ => Err(TreeFault::NotCanonical),
        }
    }

    fn decode_whole(rest: &mut &[u8]) -> Result<Self, TreeFault> {
        Ok(Self::Whole(Node::from_bytes(take(rest)?)))
    }
}

fn push_node(out: &mut Zeroizing<Vec<u8>>, tag: u8, node: &Node) {
    out.push(tag);
    out.extend_from_slice(node.bytes());
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], TreeFault> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(TreeFault::Short)?;
    *rest = tail;
    Ok(*head)
}
