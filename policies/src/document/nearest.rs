//! What a word that nobody knows was probably meant to be.

/// Below this two words have little more than their length in common.
const NEAR: f64 = 0.6;

/// "; did you mean …?" with the nearest known word, or nothing where none is near.
pub(super) fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map_or(String::new(), |(_, candidate)| format!("; did you mean `{candidate}`?"))
}
