//! What the pages claim about the source: every test that docs/compliance/duties.md names exists,
//! every row of it names one or says what is missing, and no page links to nothing.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `file.rs::function` in backticks.
fn named_tests(text: &str) -> Vec<(&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    let tests = quoted.filter_map(|name| name.split_once("::"));
    tests.filter(|(file, _)| Path::new(file).extension().is_some_and(|kind| kind == "rs")).collect()
}

/// True where `function` is a test of that file: an attribute of a test stands right before it.
fn is_test(source: &str, function: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let begins = [format!("fn {function}("), format!("async fn {function}(")];
    let found = lines.iter().position(|line| begins.iter().any(|it| line.starts_with(it)));
    found.is_some_and(|at| {
        let before = lines[..at].iter().rev().take_while(|line| line.starts_with('#'));
        before.clone().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
            && !before.clone().any(|line| line.starts_with("#[ignore"))
    })
}

#[test]
fn every_test_that_a_duty_names_exists() {
    let page = read("docs/compliance/duties.md");
    let named = named_tests(&page);
    assert!(named.len() > 30, "{} are named", named.len());
    let missing: Vec<_> =
        named.into_iter().filter(|(file, function)| !is_test(&read(file), function)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
}

#[test]
fn every_duty_says_what_shows_it_or_what_is_missing() {
    let page = read("docs/compliance/duties.md");
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.contains("asked for |"));
    let rows: Vec<&str> = rows.collect();
    assert!(rows.len() > 30, "{} rows", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, met, not_met] = cells[..] else { panic!("three cells: {row}") };
        let is_shown = !named_tests(met).is_empty();
        assert!(is_shown || (met.is_empty() && !not_met.is_empty()), "nothing shows it: {row}");
    }
}

#[test]
fn a_test_is_known_by_its_attribute() {
    let source = "#[test]\nfn one() {}\n\nfn two() {}\n#[tokio::test(flavor = \"x\")]\n\
                  async fn three() {}\n#[test]\n#[ignore]\nfn four() {}\n";
    let tests = ["one", "two", "three", "four", "five"].map(|name| is_test(source, name));
    assert_eq!(tests, [true, false, true, false, false]);
}

/// Files that a page links to, relative to the page.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://")).map(|it| it.split('#').next().unwrap_or(it))
}

#[test]
fn no_page_links_to_nothing() {
    let mut pages = vec![PathBuf::from("README.md"), PathBuf::from("ARCHITECTURE.md")];
    for folder in ["docs", "docs/compliance"] {
        let files = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{error}"));
        let files =
            files.filter_map(Result::ok).map(|file| Path::new(folder).join(file.file_name()));
        pages.extend(files.filter(|file| file.extension().is_some_and(|kind| kind == "md")));
    }
    let mut broken = Vec::new();
    for page in &pages {
        let text = read(&page.to_string_lossy());
        let folder = page.parent().unwrap_or(Path::new(""));
        let missing = links(&text).filter(|link| !root().join(folder).join(link).exists());
        broken.extend(missing.map(|link| format!("{}: {link}", page.display())));
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
