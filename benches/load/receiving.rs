//! Long-polling receivers beside the senders: each is in every room and must get every message.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    accounts, deliver, http_client::Http, matrix_client::MatrixClient, settings::Settings,
};

/// What one receiver got.
#[derive(Debug, Default)]
struct Got {
    messages: u64,
    polls: u64,
}

/// Receivers at work.
pub(crate) struct Receiving {
    receivers: usize,
    all_sent: watch::Sender<Option<u64>>,
    tasks: JoinSet<Result<Got>>,
}

impl Receiving {
    /// Registers the receivers, joins them to the rooms and lets them wait.
    pub(crate) async fn start(settings: &Settings, http: &Http, rooms: &[String]) -> Result<Self> {
        let receivers = settings.send_receivers;
        let clients = accounts::users(settings, http, "receiver", receivers).await?;
        let (all_sent, done) = watch::channel(None);
        let mut tasks = JoinSet::new();
        for mut client in clients {
            for room in rooms {
                client.join(room).await.context("joining the receivers")?;
            }
            client.sync_with(0, &deliver::filter()).await?;
            tasks.spawn(receive(client, done.clone()));
        }
        Ok(Self { receivers, all_sent, tasks })
    }

    /// Waits until every receiver has all of `sent` messages, or nothing more comes in time.
    pub(crate) async fn end(mut self, result: &mut Value, sent: u64) -> Result<()> {
        self.all_sent.send_replace(Some(sent));
        let mut all = Got::default();
        while let Some(outcome) = self.tasks.join_next().await {
            let got = outcome.context("a receiver ended early")??;
            all.messages += got.messages;
            all.polls += got.polls;
        }
        if self.receivers > 0 {
            let expected = sent * self.receivers as u64;
            result["received"] = json!({
                "receivers": self.receivers,
                "messages": all.messages,
                "missing": expected.saturating_sub(all.messages),
                "polls": all.polls,
            });
        }
        Ok(())
    }
}

async fn receive(mut client: MatrixClient, mut done: watch::Receiver<Option<u64>>) -> Result<Got> {
    let mut got = Got::default();
    let filter = deliver::filter();
    loop {
        let sent = *done.borrow_and_update();
        if sent.is_some_and(|sent| got.messages >= sent) {
            return Ok(got);
        }
        let late = async {
            match sent {
                Some(_) => tokio::time::sleep(deliver::TAIL).await,
                None => std::future::pending().await,
            }
        };
        let answer = tokio::select! {
            answer = client.sync_with(deliver::POLL_MS, &filter) => answer?,
            () = late => return Ok(got),
            // A poll that is given up is asked again from the same token: nothing is lost.
            _ = done.changed(), if sent.is_none() => continue,
        };
        got.polls += 1;
        got.messages += messages_in(&answer);
    }
}

/// The messages of all rooms in an answer of `/sync`.
fn messages_in(answer: &Value) -> u64 {
    let rooms = answer["rooms"]["join"].as_object().into_iter().flatten();
    let events = rooms.filter_map(|(_, room)| room["timeline"]["events"].as_array()).flatten();
    events.filter(|event| event["type"] == "m.room.message").count() as u64
}
