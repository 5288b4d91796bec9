//! What the view forgets of a person who is erased.

use facts::{
    LogPosition, StreamId,
    fact::{
        AccountDataSet, Act, BackupKeysStored, BackupSession, BackupVersionCreated, ErasureEnd,
        ErasureEnded, ErasureRequested, FilterStored, ProfileFieldSet, ShredCause, ShredOrdered,
    },
};

use super::world::{World, all_rows};
use crate::{
    client_view::table::Table,
    source::memory::user_id,
    store::{Key, Order, Rows as _},
};

const KEPT: &[Table] = &[
    Table::AccountData,
    Table::AccountDataLog,
    Table::Profile,
    Table::Filter,
    Table::Backup,
    Table::BackupSession,
];

/// One of each, by a person; where they are.
fn own_of(world: &World, name: &str) -> Vec<LogPosition> {
    let user = world.users[name];
    let data = |room| AccountDataSet {
        room,
        data_type: format!("org.example.{name}"),
        content: Some(b"{}".to_vec()),
    };
    let session = BackupSession {
        room: world.rooms[0].id.clone(),
        session_id: format!("session of {name}"),
        data: b"{}".to_vec(),
    };
    vec![
        world.own(user, data(None)),
        world.own(user, data(Some(world.rooms[0].id.clone()))),
        world.own(
            user,
            ProfileFieldSet { field: format!("org.{name}"), value: Some(b"1".to_vec()) },
        ),
        world.own(user, FilterStored { filter_id: name.to_owned(), filter: b"{}".to_vec() }),
        world.own(
            user,
            BackupVersionCreated {
                version: 1,
                algorithm: "a".to_owned(),
                auth_data: b"{}".to_vec(),
            },
        ),
        world.own(user, BackupKeysStored { version: 1, sessions: vec![session] }),
    ]
}

#[test]
fn i5_a_person_who_is_erased_leaves_the_rows_of_a_view_that_is_built_later() {
    let mut world = World::new();
    world.user("ann");
    world.user("ben");
    world.room("ann");
    let hers = own_of(&world, "ann");
    own_of(&world, "ben");
    let followed = tempfile::tempdir().expect("a directory");
    drop(world.project(followed.path()));
    let log = StreamId(0);
    let order = |cause| ShredOrdered { ranges: Vec::new(), cause };
    let by = Act { user: user_id("ben"), address: None, reason: "letter".to_owned() };
    let request = world.own(log, ErasureRequested { user: user_id("ann"), by });
    for position in &hers {
        world.log.destroy(*position);
    }
    // Another cause takes no person's rows, and nobody else's go.
    world.own(log, order(ShredCause::Retention));
    let before = count(&world.project(followed.path()), world.users["ann"]);
    assert_eq!(before, KEPT.len() + 2, "account data of a room, too");
    world.own(log, order(ShredCause::Erasure));
    let after = world.project(followed.path());
    assert_eq!(count(&after, world.users["ann"]), 0);
    assert_eq!(count(&after, world.users["ben"]), KEPT.len() + 2);
    let rebuilt = tempfile::tempdir().expect("a directory");
    assert_eq!(all_rows(&after), all_rows(&world.project(rebuilt.path())));
    let end = ErasureEnd::Executed { last_order: None, backups_gone_at: None };
    world.own(log, ErasureEnded { request, end, by: None });
    let ended = world.project(followed.path());
    let left = ended.rows.prefix(&Key::new(Table::Erasing), Order::Forward).count();
    assert_eq!(left, 0, "nobody is being erased any more");
}

/// Rows of a person in the tables that hold what the person chose.
fn count(view: &crate::query::Snapshot, user: StreamId) -> usize {
    let of =
        |table: &Table| view.rows.prefix(&Key::new(*table).u64(user.0), Order::Forward).count();
    KEPT.iter().map(of).sum()
}
