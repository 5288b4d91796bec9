//! Media of a person: reservations and what was stored.
//!
//! Owns the rules of reserving and completing (client-server API, "Content Repository"). Bytes
//! are elsewhere; a fact is decided only after the blob is durable. Invariants: I2, I10.

use std::collections::BTreeMap;

use facts::{
    EntryHeader, Fact, Timestamp,
    fact::{MediaReserved, MediaStored},
};
use serde::{Deserialize, Serialize};

use crate::user::{UserFold, UserRefusal};

/// A person has at most this many open reservations.
pub const RESERVATIONS_MAX: usize = 100;
/// A reservation ends after this long: 24 hours.
pub const RESERVATION_MS: u64 = 86_400_000;
/// A content type or file name is at most this many bytes.
const NAME_BYTES_MAX: usize = 255;

/// A media id that was reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// When it ends.
    pub expires_at: Timestamp,
    /// Content was uploaded. Remembered until the end, to tell "overwrite" from "unknown".
    pub completed: bool,
}

impl Reservation {
    pub(crate) fn open(
        reservations: &mut BTreeMap<String, Self>,
        media: &MediaReserved,
        header: &EntryHeader,
    ) {
        reservations.retain(|_, reservation| reservation.expires_at > header.recorded_at);
        let reservation = Self { expires_at: media.expires_at, completed: false };
        reservations.insert(media.media_id.clone(), reservation);
    }

    pub(crate) fn complete(reservations: &mut BTreeMap<String, Self>, media: &MediaStored) {
        if let Some(reservation) = reservations.get_mut(&media.media_id) {
            reservation.completed = true;
        }
    }
}

/// Decides a reservation.
pub fn reserve_media(
    fold: &UserFold,
    media_id: &str,
    now: Timestamp,
) -> Result<MediaReserved, UserRefusal> {
    fold.active_account()?;
    let open = fold.reservations.values().filter(|one| !one.completed && one.expires_at > now);
    if open.count() >= RESERVATIONS_MAX {
        return Err(UserRefusal::LimitReached("media reservations"));
    }
    Ok(MediaReserved {
        media_id: media_id.to_owned(),
        expires_at: Timestamp(now.0 + RESERVATION_MS),
    })
}

/// Whether content may be uploaded for a reserved id. Asked before the bytes are read, too.
pub fn check_reserved(fold: &UserFold, media_id: &str, now: Timestamp) -> Result<(), UserRefusal> {
    match fold.reservations.get(media_id) {
        Some(one) if one.completed => Err(UserRefusal::MediaExists),
        Some(one) if one.expires_at > now => Ok(()),
        _ => Err(UserRefusal::NotFound("media reservation")),
    }
}

/// Decides that a blob is media. `reserved`: its id was reserved earlier.
pub fn store_media(
    fold: &UserFold,
    media: MediaStored,
    reserved: bool,
    now: Timestamp,
) -> Result<Fact, UserRefusal> {
    fold.active_account()?;
    if reserved {
        check_reserved(fold, &media.media_id, now)?;
    }
    let too_long = |name: &Option<String>| name.as_ref().is_some_and(|n| n.len() > NAME_BYTES_MAX);
    if too_long(&media.content_type) || too_long(&media.file_name) {
        return Err(UserRefusal::InvalidParam("the content type or file name"));
    }
    Ok(media.into())
}
