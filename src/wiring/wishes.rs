//! What reading causes, as commands: best effort, off the path of the request.

use commands::{
    WriteSide,
    user::{acknowledge_to_device, mark_seen},
};
use read_side::{Wish, WishFuture, Wishes};
use ruma::OwnedUserId;
use tokio::sync::{mpsc, oneshot};

/// Wishes that wait; a wish beyond is dropped, for the client's next request wishes it again.
const QUEUE_MAX: usize = 10_000;

/// Carries wishes out, one after the other.
#[derive(Clone)]
pub(super) struct WishQueue(mpsc::Sender<(Errand, oneshot::Sender<()>)>);

/// What there is to do.
enum Errand {
    Read(Wish),
    Seen { user: OwnedUserId, device_id: String, token: String },
}

impl WishQueue {
    /// Carries wishes out until the queue is dropped.
    pub(super) fn start(write_side: WriteSide) -> Self {
        let (sender, mut receiver) = mpsc::channel::<(Errand, oneshot::Sender<()>)>(QUEUE_MAX);
        tokio::spawn(async move {
            while let Some((errand, done)) = receiver.recv().await {
                carry_out(&write_side, errand).await;
                // Most do not wait.
                let _: Result<(), ()> = done.send(());
            }
        });
        Self(sender)
    }

    /// An access token was used.
    pub(super) fn seen(&self, user: OwnedUserId, device_id: String, token: String) {
        drop(self.take(Errand::Seen { user, device_id, token }));
    }

    fn take(&self, errand: Errand) -> WishFuture {
        let (done, finished) = oneshot::channel();
        if self.0.try_send((errand, done)).is_err() {
            tracing::debug!("the queue of wishes is full");
        }
        Box::pin(async move {
            // A wish that was dropped is given up.
            let _: Result<(), oneshot::error::RecvError> = finished.await;
        })
    }
}

async fn carry_out(write_side: &WriteSide, errand: Errand) {
    let done = match errand {
        Errand::Read(Wish::AcknowledgeToDevice { user_id, device_id, through, .. }) => {
            let Ok(user) = OwnedUserId::try_from(user_id) else { return };
            acknowledge_to_device(write_side, &user, &device_id, through).await
        }
        Errand::Seen { user, device_id, token } => {
            mark_seen(write_side, &user, &device_id, &token, None).await
        }
    };
    if let Err(error) = done {
        tracing::debug!(%error, "a wish was not carried out");
    }
}

impl Wishes for WishQueue {
    fn wish(&self, wish: Wish) -> WishFuture {
        self.take(Errand::Read(wish))
    }
}
