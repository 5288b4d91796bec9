//! Sealed files, for the read side.

use std::{io, ops::Range, sync::Arc};

use commands::media::{BlobFault, BlobStore};
use facts::fact::MediaStored;
use futures_util::stream;
use read_side::{BlobError, BlobStream, MediaBlobs};

pub(super) struct StoredBlobs(pub(super) Arc<BlobStore>);

impl MediaBlobs for StoredBlobs {
    fn read(&self, media: &MediaStored, range: Range<u64>) -> BlobStream {
        let (store, media) = (Arc::clone(&self.0), media.clone());
        Box::pin(stream::unfold(State::Closed(store, media, range), |state| async move {
            let mut reader = match state {
                State::Ended => return None,
                State::Open(reader) => reader,
                State::Closed(store, media, range) => {
                    match store.read(&media.blob, &media.blob_key, media.bytes, range).await {
                        Ok(reader) => Box::new(reader),
                        Err(fault) => return Some((Err(blob_error(fault)), State::Ended)),
                    }
                }
            };
            match reader.next().await {
                Ok(Some(bytes)) => Some((Ok(bytes), State::Open(reader))),
                Ok(None) => None,
                Err(fault) => Some((Err(blob_error(fault)), State::Ended)),
            }
        }))
    }
}

enum State {
    Closed(Arc<BlobStore>, MediaStored, Range<u64>),
    Open(Box<commands::media::BlobReader>),
    Ended,
}

fn blob_error(fault: BlobFault) -> BlobError {
    match fault {
        BlobFault::Missing => BlobError::Gone,
        other => BlobError::Fault(io::Error::other(other)),
    }
}
