//! `[rooms]`: defaults of new rooms.

use ruma::RoomVersionId;

use super::section::section;

section! {
    /// Defaults of new rooms.
    Rooms {
        /// Version of rooms that are created without naming one: "2" to "12".
        default_version: RoomVersionId = RoomVersionId::V12;
    }
}
