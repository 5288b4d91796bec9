//! Keys: a table's byte, then fields whose bytes sort as the values do.
//!
//! Owns the encoding: integers big-endian (signed ones with the sign bit flipped); strings with
//! zero bytes escaped and a terminator, so that no string is a prefix of another.

use super::StoreError;

const SIGN: u64 = 1 << 63;

/// A key, or the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl Key {
    /// Begins a key of a table.
    pub fn new(table: impl Into<u8>) -> Self {
        let mut bytes = Vec::with_capacity(48);
        bytes.push(table.into());
        Self(bytes)
    }

    /// Appends an integer.
    #[must_use]
    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Appends a small integer.
    #[must_use]
    pub fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Appends a byte.
    #[must_use]
    pub fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    /// Appends a signed integer.
    #[must_use]
    pub fn i64(self, value: i64) -> Self {
        self.u64(value.cast_unsigned() ^ SIGN)
    }

    /// Appends a string.
    #[must_use]
    pub fn str(self, value: &str) -> Self {
        self.bytes(value.as_bytes())
    }

    /// Appends bytes of any length.
    #[must_use]
    pub fn bytes(mut self, value: &[u8]) -> Self {
        for byte in value {
            self.0.push(*byte);
            if *byte == 0 {
                self.0.push(0xff);
            }
        }
        self.0.extend_from_slice(&[0, 1]);
        self
    }

    /// Appends bytes as they are: the beginning of a string, for prefix scans.
    #[must_use]
    pub fn raw(mut self, value: &[u8]) -> Self {
        self.0.extend_from_slice(value);
        self
    }

    /// The encoded key.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The encoded key.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The table's byte.
    pub fn table(&self) -> u8 {
        self.0.first().copied().unwrap_or(0)
    }

    /// The first key after all those with this prefix.
    pub fn after_prefix(&self) -> Vec<u8> {
        after_prefix(&self.0)
    }
}

/// As [`Key::after_prefix`], of an encoded prefix.
pub(super) fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.last_mut() {
        if *last < u8::MAX {
            *last += 1;
            return end;
        }
        end.pop();
    }
    // Table bytes are below 0xff, so a prefix never consists of 0xff alone.
    vec![u8::MAX]
}

/// Where the string ends that begins at `from` in an encoded key; `None` where none does.
pub(crate) fn end_of_str(key: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match (key.get(at)?, key.get(at + 1)) {
            (0, Some(1)) => return Some(at + 2),
            (0, _) => at += 2,
            _ => at += 1,
        }
    }
}

/// Takes fields out of a key again.
pub struct KeyReader<'a> {
    table: u8,
    rest: &'a [u8],
}

impl<'a> KeyReader<'a> {
    /// Reads the fields after the first `skip` bytes (the prefix that was scanned).
    pub fn after(key: &'a [u8], prefix: &Key) -> Self {
        Self { table: prefix.table(), rest: key.get(prefix.as_bytes().len()..).unwrap_or(&[]) }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(StoreError::Row(self.table))?;
        self.rest = rest;
        Ok(*head)
    }

    /// The next integer.
    pub fn u64(&mut self) -> Result<u64, StoreError> {
        Ok(u64::from_be_bytes(self.take()?))
    }

    /// The next small integer.
    pub fn u32(&mut self) -> Result<u32, StoreError> {
        Ok(u32::from_be_bytes(self.take()?))
    }

    /// The next byte.
    pub fn u8(&mut self) -> Result<u8, StoreError> {
        Ok(self.take::<1>()?[0])
    }

    /// The next signed integer.
    pub fn i64(&mut self) -> Result<i64, StoreError> {
        Ok((self.u64()? ^ SIGN).cast_signed())
    }

    /// The next string.
    pub fn str(&mut self) -> Result<String, StoreError> {
        let table = self.table;
        String::from_utf8(self.bytes()?).map_err(|_| StoreError::Row(table))
    }

    /// The next bytes.
    pub fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        let mut out = Vec::with_capacity(self.rest.len());
        loop {
            let [byte] = self.take::<1>()?;
            if byte != 0 {
                out.push(byte);
                continue;
            }
            match self.take::<1>()? {
                [0xff] => out.push(0),
                [1] => return Ok(out),
                _ => return Err(StoreError::Row(self.table)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_sort_as_their_values_and_come_back() {
        let keys = [
            Key::new(1).i64(-2).str("a"),
            Key::new(1).i64(-1).str("\0"),
            Key::new(1).i64(0).str(""),
            Key::new(1).i64(0).str("a"),
            Key::new(1).i64(0).str("a\0b"),
            Key::new(1).i64(0).str("ab"),
        ];
        for pair in keys.windows(2) {
            assert!(pair[0].as_bytes() < pair[1].as_bytes(), "{pair:?}");
        }
        let prefix = Key::new(1);
        let mut reader = KeyReader::after(keys[4].as_bytes(), &prefix);
        assert_eq!(reader.i64().expect("field"), 0);
        assert_eq!(reader.str().expect("field"), "a\0b");
        assert!(reader.u8().is_err());
    }

    #[test]
    fn the_end_of_a_string_is_found() {
        for text in ["", "a", "a\0b", "\0", "\0\u{1}"] {
            let key = Key::new(1).str(text);
            let end = key.as_bytes().len();
            let longer = key.u64(1);
            assert_eq!(end_of_str(longer.as_bytes(), 1), Some(end), "{text:?}");
            assert_eq!(end_of_str(&longer.as_bytes()[..end - 1], 1), None, "{text:?}");
        }
    }

    #[test]
    fn the_end_of_a_prefix_is_after_all_its_keys() {
        let prefix = Key::new(3).u64(u64::MAX);
        assert_eq!(prefix.after_prefix(), vec![4]);
        assert!(prefix.clone().u8(255).as_bytes() < prefix.after_prefix().as_slice());
    }
}
