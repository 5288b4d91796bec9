//! `GET /_chancery/admin/v1/cases/{case}/exports/{export}/media/{media}`: the bytes of a medium.
//!
//! Owns the check that an entry of the scope names it; the access to that entry is durable before
//! its content is opened (I16). The bytes are streamed, from an offset on; nothing is kept. A file
//! that is damaged is not there: a body breaks off before the first piece that is not what was
//! uploaded, and whoever goes on from there is told that the medium is gone.

use axum::{
    body::Body,
    extract::State,
    http::header::{CONTENT_LENGTH, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use commands::{
    governance::{ContentAccess, access_content},
    media::{BlobFault, BlobReader},
};
use facts::{LogPosition, fact::AccessKind};
use futures_util::{StreamExt as _, stream};
use http_edge::{MatrixError, Path, Query};
use serde::Deserialize;

use super::{Export, StaffRoutes, found, unseen, view_at};
use crate::{
    export::{EXPORTED, EvidenceLine, filter_of},
    roles_and_cases::{EndpointError, Officer},
};

/// Which entry names it, and where to go on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::roles_and_cases) struct MediaQuery {
    position: u64,
    #[serde(default)]
    offset: u64,
}

/// The clear bytes.
pub(in crate::roles_and_cases) async fn read_media(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path((case, export, media)): Path<(u64, u64, String)>,
    Query(query): Query<MediaQuery>,
) -> Result<Response, EndpointError> {
    let (case, export) = (LogPosition(case), LogPosition(export));
    let Export { started, scope } = found(&routes, &actor, case, export).await?;
    let position = LogPosition(query.position);
    if position < started.first || position >= started.end {
        return Err(MatrixError::invalid_param("`position` is not in the export").into());
    }
    let filter = filter_of(&scope, &EXPORTED);
    let access = ContentAccess {
        case,
        kind: AccessKind::Export,
        from: position,
        until: position.next(),
        entries: 1,
        export: Some(export),
    };
    // Durable before the first byte is read (I16). A crash here leaves an access without a reader.
    access_content(&routes.write_side, &actor, access).await?;
    let record = routes.record.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let admits = filter.clone();
        let found = record.disclose(position, 1, &|header| admits.admits(header))?;
        let line = found.into_iter().next().map(|entry| EvidenceLine { entry, proof: None });
        let of_scope = line.filter(|line| {
            let fact = line.fact().ok().flatten();
            fact.is_some() && filter.confirms(&line.entry.header, fact.as_ref())
        });
        Ok::<_, EndpointError>(of_scope)
    });
    let line = opened.await.map_err(|_| EndpointError::internal())??;
    let server = routes.write_side.identity().server_name.to_string();
    if !line.is_some_and(|line| line.mentions(&server).media.contains(&media)) {
        return Err(MatrixError::not_found("No entry of the export names this medium").into());
    }
    stream_of(&routes, position, &media, query.offset).await
}

async fn stream_of(
    routes: &StaffRoutes,
    position: LogPosition,
    media: &str,
    offset: u64,
) -> Result<Response, EndpointError> {
    let gone = || MatrixError::not_found("The medium is not there any more");
    let found = view_at(routes, position).await?.media(media).map_err(|fault| unseen(&fault))?;
    let stored = found.and_then(|media| media.stored).ok_or_else(gone)?;
    let range = offset..stored.bytes;
    let reader = routes.blobs.read(&stored.blob, &stored.blob_key, stored.bytes, range).await;
    // The first piece is read before anything is answered.
    let first = match reader {
        Ok(mut reader) => reader.next().await.map(|piece| (piece, reader)),
        Err(fault) => Err(fault),
    };
    let (piece, reader) = match first {
        Ok(first) => first,
        Err(BlobFault::Missing) => return Err(gone().into()),
        Err(BlobFault::Damaged) => {
            tracing::warn!(media, offset, "a medium of an export is damaged");
            return Err(gone().into());
        }
        Err(fault) => {
            tracing::error!(?fault, "a medium of an export cannot be read");
            return Err(EndpointError::internal());
        }
    };
    let length = stored.bytes.saturating_sub(offset);
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, Body::from_stream(pieces(piece, reader))).into_response())
}

/// The first piece, and what follows it.
fn pieces(
    first: Option<bytes::Bytes>,
    reader: BlobReader,
) -> impl stream::Stream<Item = Result<bytes::Bytes, BlobFault>> {
    let rest = first.is_some().then(|| Box::new(reader));
    let rest = stream::unfold(rest, |reader| async move {
        let mut reader = reader?;
        match reader.next().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(reader))),
            Ok(None) => None,
            // The body breaks off: the client sees that it is not whole.
            Err(fault) => Some((Err(fault), None)),
        }
    });
    stream::iter(first.map(Ok)).chain(rest)
}
