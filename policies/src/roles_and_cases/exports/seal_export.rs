//! `POST /_chancery/admin/v1/cases/{case}/exports/{export}/seal`: the signed manifest.
//!
//! Owns what the server vouches for: the case, the scope, the stretch and its root are its own
//! words, and so is what it signed of each page when it served it; the digest of the files is the
//! exporter's, and whoever verifies holds the evidence against those words and makes the forms anew
//! from it. A medium is only said to be missing where it was and is not there. The seal is a durable
//! fact before the signature leaves.

use axum::{Json, extract::State};
use commands::{
    governance::{ExportSeal, seal_export as record_seal},
    media::{BlobFault, BlobStore},
};
use facts::{LogPosition, fact::MediaStored};
use http_edge::{JsonBody, MatrixError, Path};
use projections::query::MediaInfo;
use serde_json::json;

use super::{Export, StaffRoutes, broken, checkpoint_of, found, terms_of, unseen, view_at};
use crate::{
    export::{FILES_MAX, Format, MISSING_MEDIA_MAX, Manifest, ManifestVersion, Sealing},
    roles_and_cases::{Answer, EndpointError, Officer},
};

/// Signs the manifest of an export.
pub(in crate::roles_and_cases) async fn seal_export(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path((case, export)): Path<(u64, u64)>,
    JsonBody(sealing): JsonBody<Sealing>,
) -> Answer {
    let (case, export) = (LogPosition(case), LogPosition(export));
    let Export { started, scope } = found(&routes, &actor, case, export).await?;
    check_form(&sealing)?;
    check_missing(&routes, &sealing, started.end).await?;
    let stretch = (started.first, started.end);
    let (terms, checkpoint) = terms_of(&routes, case, scope, stretch).await?;
    let checkpoint = checkpoint_of(&checkpoint)?;
    let format = Format::named(&started.format).ok_or_else(EndpointError::internal)?;
    let manifest = Manifest {
        version: ManifestVersion::default(),
        terms,
        format,
        origin: checkpoint.origin,
        root: hex::encode(checkpoint.root),
        files_sha256: sealing.files_sha256,
        files: sealing.files,
        bytes: sealing.bytes,
        missing_media: sealing.missing_media,
    };
    let text = manifest.text();
    let seal = ExportSeal {
        case,
        export,
        manifest_sha256: Manifest::digest(&text),
        files: sealing.files,
        bytes: sealing.bytes,
    };
    record_seal(&routes.write_side, &actor, seal).await?;
    let ledger = routes.ledger.clone();
    let signed = tokio::task::spawn_blocking(move || ledger.sign_statement(&text)).await;
    let signed = signed.map_err(|_| EndpointError::internal())?.map_err(|fault| broken(&fault))?;
    let signed = signed.ok_or_else(EndpointError::internal)?;
    Ok(Json(json!({ "manifest": signed.note.to_string() })))
}

fn check_form(sealing: &Sealing) -> Result<(), MatrixError> {
    let digest = hex::decode(&sealing.files_sha256).is_ok_and(|digest| digest.len() == 32)
        && !sealing.files_sha256.contains(|c: char| c.is_ascii_uppercase());
    if !digest {
        return Err(MatrixError::invalid_param("`files_sha256` is 64 small hexadecimal digits"));
    }
    if sealing.files > FILES_MAX {
        return Err(MatrixError::invalid_param("The export has too many files"));
    }
    let missing = &sealing.missing_media;
    if missing.len() > MISSING_MEDIA_MAX || !missing.is_sorted_by(|a, b| a < b) {
        return Err(MatrixError::invalid_param("`missing_media` is a short list in order"));
    }
    Ok(())
}

async fn check_missing(
    routes: &StaffRoutes,
    sealing: &Sealing,
    end: LogPosition,
) -> Result<(), EndpointError> {
    if sealing.missing_media.is_empty() {
        return Ok(());
    }
    let mut stored = Vec::new();
    {
        let snapshot = view_at(routes, LogPosition(end.0 - 1)).await?;
        for id in &sealing.missing_media {
            let found = snapshot.media(id).map_err(|fault| unseen(&fault))?;
            let proven = |media: &MediaInfo| media.stored_at.is_some_and(|at| at < end);
            let Some(media) = found.filter(proven) else {
                let text = format!("The ledger proves no medium {id:?} in the export's stretch");
                return Err(MatrixError::invalid_param(text).into());
            };
            stored.extend(media.stored.map(|blob| (id.clone(), blob)));
        }
    }
    // At most one whole blob is read: the first that is there ends it.
    for (id, blob) in stored {
        match read_through(&routes.blobs, &blob).await {
            Err(BlobFault::Missing | BlobFault::Damaged) => {}
            Ok(()) => {
                return Err(MatrixError::conflict(format!("The medium {id} is there")).into());
            }
            Err(fault) => {
                tracing::error!(?fault, "a medium of an export cannot be read");
                return Err(EndpointError::internal());
            }
        }
    }
    Ok(())
}

/// Reads a blob to its end: one that is damaged anywhere is not there.
async fn read_through(blobs: &BlobStore, blob: &MediaStored) -> Result<(), BlobFault> {
    let mut reader = blobs.read(&blob.blob, &blob.blob_key, blob.bytes, 0..blob.bytes).await?;
    while reader.next().await?.is_some() {}
    Ok(())
}
