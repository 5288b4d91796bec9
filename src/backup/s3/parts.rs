//! Putting a file in parts, as S3 wants it of what is larger than 5 GiB.
//!
//! Owns the upload from its beginning to its completion, each part with its SHA-256. The object is
//! there, and locked, once the upload is completed; before that nobody sees any of it. A crash
//! leaves parts of an upload without an end: they are no object, cannot be locked, and go by the
//! bucket's rule for such uploads. The whole is checked by the caller.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use anyhow::{Context as _, Result};
use aws_sdk_s3::{
    primitives::{ByteStream, DateTime, Length},
    types::{
        ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, ObjectLockLegalHoldStatus,
        ObjectLockMode,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::client::{Client, Version};
use crate::backup::digest;

/// An upload has at most so many parts (S3).
const PARTS_MAX: u64 = 10_000;

/// How the object is locked.
pub(super) struct LockedAs {
    pub(super) until: DateTime,
    pub(super) hold: Option<ObjectLockLegalHoldStatus>,
}

impl Client {
    /// Puts a file in parts.
    pub(super) async fn put_in_parts(
        &self,
        key: &str,
        path: &Path,
        bytes: u64,
        lock: LockedAs,
    ) -> Result<Version> {
        let begun = self
            .s3
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .object_lock_mode(ObjectLockMode::Compliance)
            .object_lock_retain_until_date(lock.until)
            .set_object_lock_legal_hold_status(lock.hold)
            .send()
            .await;
        let begun = begun.map_err(|error| self.failed(&format!("begin to put {key}"), &error))?;
        let upload = begun.upload_id.context("the store named no upload")?;
        let put = self.put_all_parts(key, path, bytes, &upload).await;
        if put.is_err() {
            let asked = self.s3.abort_multipart_upload().bucket(&self.bucket).key(key);
            // Best effort: why it failed is what counts.
            let _ = asked.upload_id(&upload).send().await;
        }
        put
    }

    async fn put_all_parts(
        &self,
        key: &str,
        path: &Path,
        bytes: u64,
        upload: &str,
    ) -> Result<Version> {
        let size = self.part_bytes.max(bytes.div_ceil(PARTS_MAX));
        let mut done = CompletedMultipartUpload::builder();
        let (mut offset, mut number) = (0, 1);
        while offset < bytes {
            let length = size.min(bytes - offset);
            done = done.parts(self.put_part(key, path, (offset, length), upload, number).await?);
            offset += length;
            number += 1;
        }
        let asked = self.s3.complete_multipart_upload().bucket(&self.bucket).key(key);
        let sent = asked.upload_id(upload).multipart_upload(done.build()).send().await;
        let answer = sent.map_err(|error| self.failed(&format!("complete {key}"), &error))?;
        Ok(Version(answer.version_id))
    }

    async fn put_part(
        &self,
        key: &str,
        path: &Path,
        (offset, length): (u64, u64),
        upload: &str,
        number: i32,
    ) -> Result<CompletedPart> {
        let hash = STANDARD.encode(hash_of(path, offset, length)?);
        let body = ByteStream::read_from().path(path).offset(offset);
        let body = body.length(Length::Exact(length)).build().await?;
        let asked = self.s3.upload_part().bucket(&self.bucket).key(key).upload_id(upload);
        let asked = asked.part_number(number).body(body).checksum_sha256(&hash);
        let sent = asked.customize().config_override(self.time_for(length)).send().await;
        let answer =
            sent.map_err(|error| self.failed(&format!("put part {number} of {key}"), &error))?;
        let part = CompletedPart::builder().part_number(number).checksum_sha256(hash);
        Ok(part.set_e_tag(answer.e_tag).build())
    }
}

/// SHA-256 of a stretch of a file.
fn hash_of(path: &Path, offset: u64, length: u64) -> Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let seen = digest::read_through(&mut file.take(length), |_| io::Result::Ok(()))?;
    Ok(hex::decode(seen.sha256)?)
}
