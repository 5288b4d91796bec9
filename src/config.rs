//! The configuration: a file, then the environment, over defaults.
//!
//! Owns the list of sections; each is a file of `config/` with its keys, units and defaults.
//! Read once, by the composition root: no other crate sees these types. Secrets are never here,
//! only the names of the files that hold them.

mod check;
mod example;
mod federation;
mod keys;
pub(crate) mod ledger;
mod limits;
mod listen;
mod load;
mod log;
mod media;
pub(crate) mod offsite;
mod problem;
pub(crate) mod registration;
mod retention;
mod rooms;
mod section;
mod server;
mod telemetry;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use self::section::{Section, Setting};
pub(crate) use self::{
    example::example,
    load::{Sources, load},
    log::LogBackend,
    media::MediaBackend,
    problem::{Place, Problem},
    telemetry::LogFormat,
};

/// A section as data: what the loader and the example need to know of it.
pub(crate) struct Table {
    name: &'static str,
    about: &'static [&'static str],
    settings: &'static [Setting],
    defaults: toml::Table,
}

macro_rules! sections {
    ($($name:ident: $type:ty,)*) => {
        /// The whole configuration.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        pub(crate) struct Config {
            $(pub(crate) $name: $type,)*
        }

        /// All sections, in the order of the example.
        pub(crate) fn tables() -> Vec<Table> {
            vec![$(Table {
                name: stringify!($name),
                about: <$type as Section>::ABOUT,
                settings: <$type as Section>::SETTINGS,
                defaults: toml::Table::try_from(<$type>::default())
                    .expect("defaults are plain values"),
            },)*]
        }

        /// Reads every section, so that one problem does not hide another section's.
        fn extract(figment: &figment::Figment) -> (Config, Vec<(&'static str, figment::Error)>) {
            let mut config = Config::default();
            let mut errors = Vec::new();
            $(match figment.find_value(stringify!($name)) {
                Err(error) => errors.extend(error.into_iter().map(|one| (stringify!($name), one))),
                Ok(section) => match section.deserialize() {
                    Ok(section) => config.$name = section,
                    Err(error) => {
                        errors.extend(error.into_iter().map(|one| (stringify!($name), one)));
                    }
                },
            })*
            (config, errors)
        }
    };
}

sections! {
    server: server::Server,
    listen: listen::Listen,
    registration: registration::Registration,
    rooms: rooms::Rooms,
    limits: limits::Limits,
    federation: federation::Federation,
    keys: keys::Keys,
    log: log::Log,
    ledger: ledger::Ledger,
    media: media::Media,
    retention: retention::Retention,
    offsite: offsite::Offsite,
    telemetry: telemetry::Telemetry,
}
