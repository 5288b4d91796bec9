//! Broken invariants in the log.
//!
//! Owns what is said about a panic: where it happened, and its text only if that is fixed at
//! compile time. A text that was put together at run time may quote what people wrote.

use std::panic::PanicHookInfo;

/// Reports panics as log lines instead of Rust's default output.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        let location = info.location().map(ToString::to_string);
        tracing::error!(location, "broken invariant: {}", text_of(info));
    }));
}

fn text_of(info: &PanicHookInfo<'_>) -> &'static str {
    fixed_text(info.payload())
}

fn fixed_text(payload: &(dyn std::any::Any + Send)) -> &'static str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(text withheld: it may quote content)")
}

#[cfg(test)]
mod tests {
    use super::fixed_text;

    #[test]
    fn only_texts_fixed_at_compile_time_are_shown() {
        assert_eq!(fixed_text(&"lost a row"), "lost a row");
        let quoting = format!("not a boundary in {:?}", "secret");
        assert!(!fixed_text(&quoting).contains("secret"));
    }
}
