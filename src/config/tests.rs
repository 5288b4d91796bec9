//! Configuration from its sources, and the example against the defaults.

use std::path::PathBuf;

use super::{Config, Place, Sources, example, load};

fn sources(file: Option<&str>, environment: &[(&str, &str)]) -> Sources {
    Sources {
        file: file.map(|text| (PathBuf::from("chancery.toml"), text.to_owned())),
        environment: environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

fn problems(file: &str) -> Vec<String> {
    let problems = load(&sources(Some(file), &[])).expect_err("something is wrong");
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn no_configuration_at_all_gives_the_defaults() {
    let config = load(&sources(None, &[])).expect("defaults are right");
    assert_eq!(config, Config::default());
    assert_eq!(config.server.name, "localhost");
    let client = config.listen.client.expect("a client listener");
    assert_eq!(client.to_string(), "127.0.0.1:8008");
    assert_eq!(config.listen.federation, None);
}

#[test]
fn only_the_name_is_required_in_a_file() {
    let config = load(&sources(Some("[server]\nname = \"example.org\"\n"), &[]));
    assert_eq!(config.expect("it is right").server.name, "example.org");
    insta::assert_debug_snapshot!(problems("[rooms]\ndefault_version = \"11\"\n"), @r##"
[
    "chancery.toml: server.name: is required: the part of user ids after the colon, such as \"example.org\"; it stays as long as the data",
]
"##);
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_name() {
    let file = "[server]\nname = \"example.org\"\ndata_dri = \"/x\"\n\n[limit]\nenabled = false\n";
    insta::assert_debug_snapshot!(problems(file), @r##"
[
    "chancery.toml:5: limit: unknown section; did you mean `limits`?",
    "chancery.toml:3: server.data_dri: unknown key; did you mean `data_dir`?",
]
"##);
}

#[test]
fn unknown_variables_are_refused_too() {
    let environment = [("CHANCERY_SERVER__NAMES", "x"), ("CHANCERY_CONFIG", "y"), ("HOME", "z")];
    let problems = load(&sources(None, &environment)).expect_err("a variable is unknown");
    assert_eq!(problems.len(), 1);
    assert_eq!(
        problems[0].to_string(),
        "environment variable CHANCERY_SERVER__NAMES: server.names: unknown key; did you mean `name`?"
    );
}

#[test]
fn the_environment_overrides_the_file() {
    let file = "[server]\nname = \"file.org\"\n[rooms]\ndefault_version = \"10\"\n";
    let environment = [
        ("CHANCERY_SERVER__NAME", "environment.org"),
        ("CHANCERY_ROOMS__DEFAULT_VERSION", "11"),
        ("CHANCERY_LIMITS__ENABLED", "false"),
        ("CHANCERY_LIMITS__REQUESTS", "5"),
        ("CHANCERY_LISTEN__ADMIN", "127.0.0.1:9"),
        ("CHANCERY_LISTEN__TRUSTED_PROXIES", "10.0.0.1, 10.0.0.2"),
    ];
    let config = load(&sources(Some(file), &environment)).expect("it is right");
    assert_eq!(config.server.name, "environment.org");
    assert_eq!(config.rooms.default_version, ruma::RoomVersionId::V11);
    assert!(!config.limits.enabled);
    assert_eq!(config.limits.requests, 5);
    assert_eq!(config.listen.admin.map(|address| address.port()), Some(9));
    assert_eq!(config.listen.trusted_proxies.len(), 2);
}

#[test]
fn a_wrong_variable_is_named() {
    let environment = [("CHANCERY_LIMITS__REQUESTS", "many")];
    let problems = load(&sources(None, &environment)).expect_err("not a number");
    assert_eq!(problems[0].place, Place::Environment("CHANCERY_LIMITS__REQUESTS".to_owned()));
}

#[test]
fn every_wrong_value_is_named_with_its_line() {
    let file = "[server]\nname = \"ex ample\"\n\n[listen]\nclient = \"nowhere\"\n\n\
                [registration]\nmode = \"maybe\"\n";
    insta::assert_debug_snapshot!(problems(file), @r##"
[
    "chancery.toml:2: server.name: server name is not a valid IP address or domain name",
    "chancery.toml:5: listen.client: must be an address with a port, such as \"127.0.0.1:8008\"",
    "chancery.toml:8: registration.mode: unknown value \"maybe\"; it is one of \"closed\", \"token\", \"open\"",
]
"##);
}

#[test]
fn values_that_do_not_fit_together_are_named() {
    let file = "[server]\nname = \"example.org\"\npublic_base_url = \"example.org\"\n\
                [listen]\nclient = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:1\"\ntls_cert = \"c\"\n\
                [rooms]\ndefault_version = \"1\"\n[limits]\nrequests = 0\n\
                [log]\nbackend = \"postgres\"\n[media]\nbackend = \"s3\"\n";
    insta::assert_debug_snapshot!(problems(file), @r##"
[
    "chancery.toml:6: listen.admin: 127.0.0.1:1 is the address of another listener",
    "chancery.toml:7: listen.tls_cert: needs listen.tls_key",
    "chancery.toml:11: limits.requests: must be at least 1",
    "chancery.toml:13: log.backend: this build has no other backend than \"embedded\"",
    "chancery.toml:15: media.backend: this build has no other backend than \"filesystem\"",
    "chancery.toml:3: server.public_base_url: must be an http:// or https:// URL without query",
    "chancery.toml:9: rooms.default_version: rooms can be created in versions 2 to 12",
]
"##);
}

#[test]
fn what_is_shipped_off_site_has_bounds() {
    let file = "[server]\nname = \"example.org\"\n[offsite]\nship_to = \"/backup\"\n\
                close_after_hours = 8761\ncheckpoint_seconds = 0\n";
    insta::assert_debug_snapshot!(problems(file), @r##"
[
    "chancery.toml:6: offsite.checkpoint_seconds: must be 1 to 86400",
    "chancery.toml:5: offsite.close_after_hours: must be 0 to 8760",
    "chancery.toml:4: offsite.ship_to: must be s3://bucket/prefix",
]
"##);
    let right = file.replace("/backup", "s3://records/chancery");
    let right = right.replace("8761", "0").replace("checkpoint_seconds = 0", "");
    let config = load(&sources(Some(&right), &[])).expect("it is right");
    assert_eq!(config.offsite.ship_to.as_deref(), Some("s3://records/chancery"));
}

#[test]
fn broken_toml_is_placed() {
    insta::assert_debug_snapshot!(problems("[server]\nname = \n"), @r##"
[
    "chancery.toml:2: string values must be quoted, expected literal string",
]
"##);
}

#[test]
fn the_example_says_exactly_the_defaults() {
    let text = example();
    // Every line of a key that has a default, taken out of its comment.
    let uncommented: String = text
        .lines()
        .filter(|line| !line.contains("an example; no default"))
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert_ne!(text, uncommented);
    let config = load(&sources(Some(&uncommented), &[])).expect("the example is right");
    assert_eq!(config, Config::default());
}

#[test]
fn the_examples_samples_have_the_right_type() {
    let text = example();
    let uncommented: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let config = load(&sources(Some(&uncommented), &[])).expect("the samples are right");
    assert!(config.listen.federation.is_some());
}
