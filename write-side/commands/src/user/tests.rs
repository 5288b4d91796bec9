//! Tests of the commands on persons, over a real log.
