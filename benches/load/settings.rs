//! The command line of the load generator. Durations are seconds, latencies milliseconds.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use serde_json::{Value, json};

/// Puts load on a Matrix server and prints what it measured as JSON.
#[derive(Clone, Debug, Parser)]
#[command(name = "chancery-load", version)]
pub(crate) struct Settings {
    /// What to measure; several run one after the other, `all` is every one of them.
    #[arg(value_enum, default_values_t = [Scenario::All])]
    scenarios: Vec<Scenario>,

    /// The server's client listener; plain HTTP.
    #[arg(long, default_value = "http://127.0.0.1:8008")]
    pub(crate) server: String,

    /// Senders at the same time (`send`, `bare`).
    #[arg(long, default_value_t = 16)]
    pub(crate) senders: usize,

    /// Rooms that the senders share (`send`), or that one user is in (`initial-sync`).
    #[arg(long, default_value_t = 4)]
    pub(crate) rooms: usize,

    /// Long-polling receivers (`deliver`).
    #[arg(long, default_value_t = 10)]
    pub(crate) receivers: usize,

    /// Long-polling receivers in every room while it is sent to (`send`).
    #[arg(long, default_value_t = 0)]
    pub(crate) send_receivers: usize,

    /// Messages a second of the one sender (`deliver`).
    #[arg(long, default_value_t = 50)]
    pub(crate) rate: u32,

    /// Messages in all (`send`, `deliver`, `bare`), instead of a duration.
    #[arg(long, conflicts_with = "duration")]
    pub(crate) messages: Option<usize>,

    /// Seconds of sending (`send`, `deliver`, `bare`).
    #[arg(long, default_value_t = 10)]
    pub(crate) duration: u64,

    /// Messages that each room holds before it is read (`initial-sync`, `paginate`).
    #[arg(long, default_value_t = 1_000)]
    pub(crate) history: usize,

    /// Messages on the server at the first step of `curve`; 10 and 100 times as many follow.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) curve_messages: usize,

    /// Events of a page (`paginate`).
    #[arg(long, default_value_t = 100)]
    pub(crate) page: u32,

    /// How often a read is measured (`initial-sync`, `paginate`).
    #[arg(long, default_value_t = 20)]
    pub(crate) repeats: usize,

    /// Names, message texts and their lengths follow from it.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// A process whose processor time and memory are reported.
    #[arg(long)]
    pub(crate) server_pid: Option<u32>,

    /// The server's data directory: `curve` then also tells log bytes a message.
    #[arg(long)]
    pub(crate) data_dir: Option<PathBuf>,

    /// Registers with this token (`m.login.registration_token`).
    #[arg(long, conflicts_with = "shared_secret_file")]
    pub(crate) registration_token: Option<String>,

    /// Registers by `/_synapse/admin/v1/register` with the secret in this file.
    #[arg(long)]
    pub(crate) shared_secret_file: Option<PathBuf>,

    /// Where `bare` puts its file: it must be on the disk that the server writes to.
    #[arg(long, default_value = ".")]
    pub(crate) bare_dir: PathBuf,
}

/// One thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Concurrent senders, as fast as the server answers.
    Send,
    /// From the sending of a message to its arrival at long-polling receivers.
    Deliver,
    /// `/sync` without a token.
    InitialSync,
    /// `/messages` from the newest event to the first.
    Paginate,
    /// The least that an acknowledged, signed, durable event can cost on this machine.
    Bare,
    /// Cost of a send and of an incremental sync at 1, 10 and 100 times the history. On a server
    /// that is empty before.
    Curve,
    /// Every one of the others but `curve`.
    All,
}

impl Scenario {
    /// Key of the result.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Deliver => "deliver",
            Self::InitialSync => "initial_sync",
            Self::Paginate => "paginate",
            Self::Bare => "bare",
            Self::Curve => "curve",
            Self::All => "all",
        }
    }
}

impl Settings {
    /// What to run, in order, each once.
    pub(crate) fn scenarios(&self) -> Vec<Scenario> {
        let every = [
            Scenario::Bare,
            Scenario::Send,
            Scenario::Deliver,
            Scenario::InitialSync,
            Scenario::Paginate,
        ];
        let all = self.scenarios.contains(&Scenario::All);
        let wanted = |one: &Scenario| all || self.scenarios.contains(one);
        let mut scenarios: Vec<Scenario> = every.into_iter().filter(wanted).collect();
        if self.scenarios.contains(&Scenario::Curve) {
            scenarios.push(Scenario::Curve);
        }
        scenarios
    }

    /// The same, with so many messages instead of a duration.
    pub(crate) fn sending(&self, messages: usize) -> Self {
        Self { messages: Some(messages), ..self.clone() }
    }

    /// What a reader needs to repeat the run.
    pub(crate) fn shown(&self) -> Value {
        json!({
            "senders": self.senders, "rooms": self.rooms, "receivers": self.receivers,
            "send_receivers": self.send_receivers,
            "rate_per_second": self.rate, "messages": self.messages,
            "duration_seconds": self.duration, "history": self.history, "page": self.page,
            "repeats": self.repeats, "curve_messages": self.curve_messages,
        })
    }
}
