//! `[limits]`: bounds on rate, size, time and number (I10).

use super::section::section;

section! {
    /// Bounds on rate, size, time and number.
    Limits {
        /// False turns off the limits by rate only; bounds on size, time and number always hold.
        enabled: bool = true;
        /// Requests a minute of one user to endpoints that the specification limits.
        user_per_minute: u32 = 1200;
        /// How many of them may come at once.
        user_burst: u32 = 200;
        /// The same for requests without a session, by address.
        anonymous_per_minute: u32 = 300;
        /// How many of them may come at once.
        anonymous_burst: u32 = 50;
        /// Attempts to log in a minute, by address and by account.
        login_per_minute: u32 = 10;
        /// How many of them may come at once.
        login_burst: u32 = 10;
        /// New accounts a minute, by address.
        registration_per_minute: u32 = 10;
        /// How many of them may come at once.
        registration_burst: u32 = 10;
        /// Callers whose rate is remembered at once.
        rate_keys: usize = 100_000;
        /// Longest JSON body of a request, in bytes.
        json_body_bytes: usize = 1_048_576;
        /// Requests in progress at once, long-polls apart.
        requests: usize = 1024;
        /// Long-polls (/sync that waits) in progress at once.
        long_polls: usize = 20_000;
        /// Connections at once, for each listener.
        connections: usize = 25_000;
        /// Seconds in which a request's header must arrive.
        header_seconds: u64 = 20;
        /// Seconds in which a JSON body must arrive whole.
        body_seconds: u64 = 30;
        /// Seconds of silence after which a body that is still arriving is given up.
        body_idle_seconds: u64 = 20;
        /// Seconds that requests in progress get to end when the server stops.
        drain_seconds: u64 = 20;
    }
}
