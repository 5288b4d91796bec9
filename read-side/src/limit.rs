//! The `limit` of paginated endpoints.

use ruma::UInt;

/// What a client asks for within our bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// Where the client names none.
    pub(crate) default: usize,
    /// Whatever the client names.
    pub(crate) max: usize,
}

impl Limit {
    pub(crate) fn of(self, asked: Option<UInt>) -> usize {
        asked
            .map_or(self.default, |asked| usize::try_from(u64::from(asked)).unwrap_or(self.max))
            .min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_stays_within_the_bounds() {
        let limit = Limit { default: 10, max: 100 };
        assert_eq!(limit.of(None), 10);
        assert_eq!(limit.of(Some(UInt::from(7_u32))), 7);
        assert_eq!(limit.of(Some(UInt::MAX)), 100);
    }
}
