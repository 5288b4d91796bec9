//! What reading causes, as commands: best effort, off the path of the request.

use commands::{WriteSide, user::acknowledge_to_device};
use read_side::{Wish, Wishes};
use ruma::OwnedUserId;
use tokio::sync::mpsc;

/// Wishes that wait; a wish beyond is dropped, for the client's next request wishes it again.
const QUEUE_MAX: usize = 10_000;

pub(super) struct WishQueue(mpsc::Sender<Wish>);

impl WishQueue {
    /// Carries wishes out until the queue is dropped.
    pub(super) fn start(write_side: WriteSide) -> Self {
        let (sender, mut receiver) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(async move {
            while let Some(wish) = receiver.recv().await {
                carry_out(&write_side, wish).await;
            }
        });
        Self(sender)
    }
}

async fn carry_out(write_side: &WriteSide, wish: Wish) {
    match wish {
        Wish::AcknowledgeToDevice { user_id, device_id, through, .. } => {
            let Ok(user) = OwnedUserId::try_from(user_id) else { return };
            let done = acknowledge_to_device(write_side, &user, &device_id, through).await;
            if let Err(error) = done {
                tracing::debug!(%error, "messages to a device were not acknowledged");
            }
        }
    }
}

impl Wishes for WishQueue {
    fn wish(&self, wish: Wish) {
        if self.0.try_send(wish).is_err() {
            tracing::debug!("the queue of wishes is full");
        }
    }
}
