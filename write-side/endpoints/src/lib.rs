//! write-endpoints
