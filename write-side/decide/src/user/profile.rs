//! Bounds of a profile (client-server API, "Profiles").

/// The whole profile, as canonical JSON, is at most 64 KiB.
pub const PROFILE_BYTES_MAX: usize = 64 * 1024;
/// A field's name is at most this many bytes.
pub const PROFILE_FIELD_BYTES_MAX: usize = 255;
/// A display name is at most this many characters, as in other servers.
pub(super) const DISPLAY_NAME_CHARS_MAX: usize = 256;
/// An avatar URL is at most this many bytes.
pub(super) const AVATAR_URL_BYTES_MAX: usize = 1_000;
