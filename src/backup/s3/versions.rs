//! What a bucket has versions of, those of deleted and hidden objects among them.
//!
//! Owns that a list is followed to its end: markers of deletions, of which anybody who may delete
//! can make any number, hide no version. Versions are bounded, and too many are told.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use aws_sdk_s3::types::ObjectVersion;

use super::client::{Client, PAGES_MAX, Version};
use crate::backup::BackupRefusal;

/// Versions of one object that are looked at.
const VERSIONS_MAX: usize = 10_000;

impl Client {
    /// Versions of an object, the newest first; also of one that was deleted since.
    pub(super) fn versions(&self, key: &str) -> Result<Vec<Version>> {
        let mut found = Vec::new();
        self.each_version(key, |listed, last| {
            found.extend(listed.into_iter().filter(|version| version.key() == Some(key)));
            if found.len() > VERSIONS_MAX {
                return Err(self.too_many_versions(key));
            }
            // The key itself is the first of those that begin with it.
            Ok(last.is_none_or(|last| last == key))
        })?;
        found.sort_by_key(|version| {
            let at = version.last_modified().map(|at| (at.secs(), at.subsec_nanos()));
            std::cmp::Reverse((version.is_latest() == Some(true), at))
        });
        let version = |version: ObjectVersion| Version(version.version_id);
        Ok(found.into_iter().map(version).collect())
    }

    /// Keys below a prefix that have a version, those of deleted objects among them.
    pub(super) fn list_versions(&self, prefix: &str) -> Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        self.each_version(prefix, |listed, _| {
            found.extend(listed.into_iter().filter_map(|version| version.key));
            Ok(true)
        })?;
        Ok(found)
    }

    /// Hands over the versions below a prefix, page by page, with the last key of the page, as long
    /// as `page` wants more. Markers at which a page goes on are the store's own words: not all are
    /// keys.
    fn each_version(
        &self,
        prefix: &str,
        mut page: impl FnMut(Vec<ObjectVersion>, Option<&str>) -> Result<bool>,
    ) -> Result<()> {
        let mut next = (None, None);
        for _ in 0..PAGES_MAX {
            let asked = self.s3.list_object_versions().bucket(&self.bucket).prefix(prefix);
            let (key, version) = next.clone();
            let asked = asked.set_key_marker(key).set_version_id_marker(version);
            let answer = self.runtime.block_on(asked.send());
            let answer = answer.map_err(|error| self.failed("list the versions", &error))?;
            let over = answer.is_truncated != Some(true);
            let after = (answer.next_key_marker, answer.next_version_id_marker);
            let versions = answer.versions.unwrap_or_default();
            let marker = answer.delete_markers.unwrap_or_default().pop().and_then(|last| last.key);
            let last = versions.last().and_then(|last| last.key.clone()).max(marker);
            let wanted = page(versions, last.as_deref())?;
            if over || !wanted {
                return Ok(());
            }
            if next == after {
                // It would go on so for ever.
                break;
            }
            next = after;
        }
        Err(anyhow!("the store's list of versions does not end"))
    }

    fn too_many_versions(&self, key: &str) -> anyhow::Error {
        let (bucket, what) = (self.bucket.clone(), format!("list versions of {key}"));
        let said = format!("it has more than {VERSIONS_MAX}");
        BackupRefusal::Store { bucket, what, said }.into()
    }
}
