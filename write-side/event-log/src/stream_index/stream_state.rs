//! What the log knows of one stream, and its row.

use facts::{EntryHeader, Incarnation, RecordClass, Revision, TreeId};

use crate::fields::Fields;

/// Tree numbers skipped by a fork: the branch that was given up may have used and destroyed them.
const FORK_TREE_GAP: u32 = 1 << 16;

/// What the log knows of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamState {
    pub(crate) head: Revision,
    /// Incarnation of the stream trees below; a new incarnation opens new ones.
    pub(crate) incarnation: Incarnation,
    /// The open tree of the person whose own stream this is.
    pub(crate) person_tree: TreeId,
    /// Stream trees by class, in order of first use.
    pub(crate) trees: Vec<(RecordClass, TreeId)>,
}

impl StreamState {
    /// The stream's tree for a class in this incarnation.
    pub(crate) fn tree(&self, class: RecordClass, incarnation: Incarnation) -> Option<TreeId> {
        if self.incarnation != incarnation {
            return None;
        }
        let found = self.trees.iter().find(|(known, _)| *known == class);
        found.map(|(_, tree)| *tree)
    }

    /// Brings the state of a stream past one of its entries; `next_tree` counts tree numbers.
    pub(crate) fn apply(state: Option<Self>, header: &EntryHeader, next_tree: &mut u32) -> Self {
        let mut state = state.unwrap_or(Self {
            head: header.revision,
            incarnation: header.incarnation,
            person_tree: TreeId::NONE,
            trees: Vec::new(),
        });
        state.head = header.revision;
        if state.incarnation != header.incarnation {
            state.incarnation = header.incarnation;
            state.trees.clear();
        }
        for part in &header.parts {
            if state.tree(part.class, header.incarnation).is_none() {
                state.trees.push((part.class, part.stream_tree));
            }
            *next_tree = (*next_tree).max(part.stream_tree.0.saturating_add(1));
            if part.person_tree.0 >= *next_tree {
                state.person_tree = part.person_tree;
                *next_tree = part.person_tree.0.saturating_add(1);
            }
        }
        state
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + self.trees.len() * 5);
        out.extend_from_slice(&self.head.0.to_be_bytes());
        out.extend_from_slice(&self.incarnation.0.to_be_bytes());
        out.extend_from_slice(&self.person_tree.0.to_be_bytes());
        for (class, tree) in &self.trees {
            out.push(class.number());
            out.extend_from_slice(&tree.0.to_be_bytes());
        }
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        let mut state = Self {
            head: Revision(fields.u64()?),
            incarnation: Incarnation(fields.u32()?),
            person_tree: TreeId(fields.u32()?),
            trees: Vec::new(),
        };
        while !fields.is_empty() {
            let [class] = fields.array()?;
            let class = RecordClass::from_number(class)?;
            state.trees.push((class, TreeId(fields.u32()?)));
        }
        Some(state)
    }
}

/// How tree numbers go on when the incarnation is raised.
pub(crate) fn tree_after_fork(next_tree: u32) -> u32 {
    next_tree.saturating_add(FORK_TREE_GAP)
}
