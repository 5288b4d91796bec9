//! A backup with orders and checkpoints beside it, as an off-site copy has them: what a restore
//! makes of them, and of such files that are altered, of somebody else, or hold back.

use std::{fs, path::PathBuf, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use event_log::{
    PartContent, SealedOrder,
    ledger::{Note, NoteSigner},
};
use facts::LogPosition;

use super::{
    BackupFinding, BackupRefusal,
    beside::{BesideKind, BesideName},
    digest, inspect,
    restore::RestoreReport,
    world::{World, open},
};
use crate::clock::SystemClock;

/// Puts a file beside the manifest of a world's backup, as shipping names it.
fn put(world: &World, kind: BesideKind, at: u64, bytes: &[u8]) -> Result<PathBuf> {
    let sha256 = digest::of_bytes(bytes);
    let name = BesideName { kind, incarnation: 1, at, sha256 }.to_string();
    let path = world.backup().join(name);
    fs::create_dir_all(path.parent().context("a folder")?)?;
    fs::write(&path, bytes)?;
    Ok(path)
}

fn put_order(world: &World, order: &SealedOrder) -> Result<PathBuf> {
    put(world, BesideKind::Order, order.position.0, &order.frame)
}

fn last_order(world: &World) -> Result<SealedOrder> {
    let orders = world.live.log.sealed_orders_after(LogPosition(0), 100)?;
    orders.into_iter().next_back().context("an order")
}

fn run(world: &World) -> Result<RestoreReport> {
    world.restore().prepare()?.run(Arc::new(SystemClock))
}

fn refused(world: &World) -> Result<String> {
    let error = run(world).err().context("it must be refused")?;
    ensure!(!world.restored().exists(), "nothing is made");
    Ok(format!("{error:#}"))
}

#[test]
fn orders_beside_a_backup_are_carried_out_and_a_checkpoint_of_ours_says_how_far() -> Result<()> {
    let world = World::new(3)?;
    let said = world.say(b"to be erased")?;
    world.take()?;
    let kept = world.live.log.head();
    world.destroy(said.header.parts[1].person_tree.0)?;
    let order = last_order(&world)?;
    let path = put_order(&world, &order)?;
    let report = run(&world)?;
    ensure!(report.orders == 1 && report.left_out == 0, "{report:?}");
    let log = open(&world.restored())?;
    let read = log.read(said.header.position)?.context("an entry")?;
    ensure!(read.parts[1] == PartContent::Destroyed, "the text came back");
    drop(log);
    fs::remove_dir_all(world.restored())?;

    // A checkpoint of ours over more than the segments hold: the orders are known that far.
    let point = world.point();
    let size = point.head.0 + 1;
    let note = point.checkpoint.context("a checkpoint")?;
    let checkpoint = put(&world, BesideKind::Checkpoint, size, note.as_bytes())?;
    let report = run(&world)?;
    ensure!(report.left_out == size - (kept.0 + 1) && report.orders == 1, "{report:?}");
    fs::remove_dir_all(world.restored())?;
    let keys: Vec<_> =
        world.live.ledger.published().keys.iter().map(|stated| stated.key.clone()).collect();
    let found = inspect(&world.backup(), None, &keys, &[])?;
    ensure!(found.ok, "neither is in the way of verifying: {found:?}");

    // Of somebody else it says nothing, and holds back as every checkpoint does.
    fs::remove_file(&checkpoint)?;
    let text = Note::parse(&note)?.text;
    let stranger = NoteSigner::new(text.lines().next().context("an origin")?, &[7; 32]);
    let signed = Note::sign(text, &[&stranger.context("a signer")?]).to_string();
    let path_of_signed = put(&world, BesideKind::Checkpoint, size, signed.as_bytes())?;
    let words = refused(&world)?;
    ensure!(words.contains("orders to destroy may stand in what is missing"), "{words}");
    fs::remove_file(path_of_signed)?;

    // Altered, it is found; by whoever verifies too.
    let mut bytes = order.frame.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes)?;
    let words = refused(&world)?;
    ensure!(words.contains("another SHA-256"), "{words}");
    let found = inspect(&world.backup(), None, &keys, &[])?;
    let name = path.strip_prefix(world.backup())?.display().to_string();
    let expected = [BackupFinding::Altered { file: name, segment: None }];
    ensure!(found.findings == expected, "{found:?}");
    fs::remove_file(&path)?;
    put(&world, BesideKind::Order, order.position.0, &bytes)?;
    let words = refused(&world)?;
    ensure!(words.contains("the copied keyring does not open"), "{words}");
    // It can be given up knowingly, by its number.
    let giving_up = |through| {
        let mut restore = world.restore();
        restore.newest.give_up_through = Some(through);
        restore.prepare()?.run(Arc::new(SystemClock))
    };
    ensure!(giving_up(order.position.0).is_err(), "up to it is not with it");
    ensure!(giving_up(order.position.0 + 1)?.orders == 0);
    Ok(())
}

#[test]
fn orders_of_another_log_are_not_carried_out() -> Result<()> {
    let (world, other) = (World::new(3)?, World::new(9)?);
    let said = other.say(b"to be erased")?;
    world.take()?;
    other.talk(20)?;
    other.destroy(said.header.parts[1].person_tree.0)?;
    let order = last_order(&other)?;
    ensure!(order.position > world.live.log.head(), "behind the backup's end");
    put_order(&world, &order)?;
    let error = run(&world).err().context("refused")?;
    let refusal = error.downcast_ref::<BackupRefusal>();
    let found = matches!(refusal, Some(BackupRefusal::OrderNotOpened { order: at, .. }) if *at == order.position);
    ensure!(found, "{error:#}");
    Ok(())
}
