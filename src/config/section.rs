//! One table for each section of the configuration.
//!
//! Owns the macro that makes a section's struct, defaults, documentation and known keys from one
//! definition, so that none of them can drift from the others.

/// A key of a section.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// The key as written in TOML.
    pub(crate) key: &'static str,
    /// What it does, its unit and its bounds; lines of text.
    pub(crate) about: &'static [&'static str],
    /// A TOML value to show where there is no default.
    pub(crate) sample: Option<&'static str>,
}

/// A section of the configuration.
pub(crate) trait Section {
    /// What the section is about; lines of text.
    const ABOUT: &'static [&'static str];
    /// Its keys.
    const SETTINGS: &'static [Setting];
}

/// Defines a section: documentation, name, and `key: type = default;` lines. A key without a
/// default gives a `sample`.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $key:ident: $type:ty = $default:expr $(, sample $sample:literal)?;
            )*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct $name {
            $(
                $(#[doc = $doc])+
                pub(crate) $key: $type,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default,)* }
            }
        }

        impl $crate::config::section::Section for $name {
            const ABOUT: &'static [&'static str] = &[$($about),+];
            const SETTINGS: &'static [$crate::config::section::Setting] = &[
                $($crate::config::section::Setting {
                    key: stringify!($key),
                    about: &[$($doc),+],
                    sample: {
                        let samples: &[&'static str] = &[$($sample)?];
                        samples.first().copied()
                    },
                },)*
            ];
        }
    };
}

pub(crate) use section;
