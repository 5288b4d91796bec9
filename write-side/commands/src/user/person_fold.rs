//! The fold of a person, as the runtime keeps it.
//!
//! Owns how it is saved: two rows, for key backups are large and change seldom. The rules are
//! `decide`'s. Invariant: I7.

use decide::user::UserFold;
use facts::{EntryHeader, Fact, StreamId, fact::StreamKind};

use crate::{
    Fold, FoldRow, Unfit,
    fold::{decode, encode},
};

const MAIN_ROW: &[u8] = b"";
const BACKUPS_ROW: &[u8] = b"b";

/// A person with what must be saved.
#[derive(Debug)]
pub struct PersonFold {
    fold: UserFold,
    main_changed: bool,
    backups_changed: bool,
}

impl PersonFold {
    /// The fold that decisions are made on.
    pub fn user(&self) -> &UserFold {
        &self.fold
    }
}

impl Fold for PersonFold {
    const KIND: StreamKind = StreamKind::User;

    fn opened(_stream: StreamId, name: &str) -> Self {
        Self { fold: UserFold::new(name), main_changed: true, backups_changed: false }
    }

    fn evolve(&mut self, header: &EntryHeader, fact: Option<&Fact>) -> Result<(), Unfit> {
        let Some(fact) = fact else {
            let was_given = self.fold.is_given();
            self.fold.skip(header);
            self.main_changed |= was_given != self.fold.is_given();
            return Ok(());
        };
        // Facts of backups touch the list of replaced entries too, which is in the main row.
        self.main_changed = true;
        self.backups_changed |= matches!(
            fact,
            Fact::BackupVersionCreated(_)
                | Fact::BackupVersionUpdated(_)
                | Fact::BackupVersionDeleted(_)
                | Fact::BackupKeysStored(_)
                | Fact::BackupKeysDeleted(_)
        );
        self.fold.evolve(header, fact);
        Ok(())
    }

    fn save(&mut self) -> Vec<FoldRow> {
        let mut rows = Vec::new();
        if std::mem::take(&mut self.main_changed) {
            rows.push((MAIN_ROW.to_vec(), Some(encode(&self.fold))));
        }
        if std::mem::take(&mut self.backups_changed) {
            rows.push((BACKUPS_ROW.to_vec(), Some(encode(&self.fold.backups))));
        }
        rows
    }

    fn load(_stream: StreamId, name: &str, rows: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Self, Unfit> {
        let mut loaded =
            Self { fold: UserFold::new(name), main_changed: false, backups_changed: false };
        let mut backups = None;
        for (key, value) in rows {
            match key.as_slice() {
                MAIN_ROW => loaded.fold = decode(&value)?,
                BACKUPS_ROW => backups = Some(decode(&value)?),
                _ => return Err(Unfit("a person's fold has another row".to_owned())),
            }
        }
        loaded.fold.backups = backups.unwrap_or_default();
        Ok(loaded)
    }
}
