//! The lines of a file of evidence, one after another, without a copy of each.
//!
//! Owns the buffer: a block of the file, of which whole lines are lent out; and the looking up of
//! single lines. Memory is bounded by the longest line that is allowed (I10).

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    path::Path,
};

use memchr::memchr;

use super::{
    check::EvidenceFault,
    evidence::{LINE_BYTES_MAX, LineFault},
};

/// Bytes that are read at once.
const BLOCK_BYTES: usize = 256 * 1024;
/// The same where one line is looked up.
const LOOKUP_BYTES: usize = 4 * 1024;

/// Visits the lines of a file, each without its newline and with its number from 1.
pub(super) fn each_line(
    dir: &Path,
    file: &'static str,
    mut visit: impl FnMut(u64, &[u8]) -> Result<(), EvidenceFault>,
) -> Result<(), EvidenceFault> {
    let fault = |error| EvidenceFault::Io { file, error };
    let mut lines = Lines::new(File::open(dir.join(file)).map_err(fault)?);
    let mut number = 0;
    loop {
        number += 1;
        match lines.next().map_err(fault)? {
            Next::Line(line) => visit(number, line)?,
            Next::End => return Ok(()),
            Next::Torn => {
                return Err(EvidenceFault::Line { file, line: number, fault: LineFault::Form });
            }
        }
    }
}

/// Lines of a file that are looked up by where they begin.
pub(super) struct LinesAt {
    file: BufReader<File>,
    at: u64,
}

impl LinesAt {
    pub(super) fn open(dir: &Path, file: &str) -> io::Result<Self> {
        let file = BufReader::with_capacity(LOOKUP_BYTES, File::open(dir.join(file))?);
        Ok(Self { file, at: 0 })
    }

    /// The line that begins at an offset, without its newline.
    pub(super) fn read(&mut self, offset: u64) -> io::Result<Vec<u8>> {
        let ahead =
            i64::try_from(offset).unwrap_or(i64::MAX) - i64::try_from(self.at).unwrap_or(i64::MAX);
        self.file.seek_relative(ahead)?;
        let mut line = Vec::with_capacity(LOOKUP_BYTES);
        let read = (&mut self.file).take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut line)?;
        self.at = offset + read as u64;
        if line.ends_with(b"\n") {
            line.pop();
        }
        Ok(line)
    }
}

/// What comes next.
pub(super) enum Next<'a> {
    Line(&'a [u8]),
    End,
    /// A line without its newline, or one that is too long.
    Torn,
}

/// Whole lines, lent out one after another.
pub(super) struct Lines<R> {
    from: R,
    buffer: Vec<u8>,
    /// What of the buffer is not lent yet.
    begin: usize,
    end: usize,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, buffer: vec![0; BLOCK_BYTES], begin: 0, end: 0 }
    }

    pub(super) fn next(&mut self) -> io::Result<Next<'_>> {
        let mut looked_at = 0;
        loop {
            let rest = &self.buffer[self.begin..self.end];
            if let Some(at) = memchr(b'\n', &rest[looked_at..]) {
                let start = self.begin;
                let end = start + looked_at + at;
                self.begin = end + 1;
                return Ok(Next::Line(&self.buffer[start..end]));
            }
            looked_at = rest.len();
            if looked_at >= LINE_BYTES_MAX {
                return Ok(Next::Torn);
            }
            if self.fill()? == 0 {
                return Ok(if looked_at == 0 { Next::End } else { Next::Torn });
            }
        }
    }

    /// Reads more behind what is not lent yet, which is moved to the front.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.copy_within(self.begin..self.end, 0);
        (self.begin, self.end) = (0, self.end - self.begin);
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        loop {
            match self.from.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    let read = read?;
                    self.end += read;
                    return Ok(read);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives few bytes at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(into.len()).min(7);
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn all(from: impl Read) -> (Vec<Vec<u8>>, bool) {
        let (mut lines, mut found) = (Lines::new(from), Vec::new());
        loop {
            match lines.next().unwrap() {
                Next::Line(line) => found.push(line.to_vec()),
                Next::End => return (found, true),
                Next::Torn => return (found, false),
            }
        }
    }

    #[test]
    fn lines_are_whole_whatever_the_blocks_are() {
        let long = vec![b'x'; 3 * BLOCK_BYTES];
        let text = [b"one\n\nthree\n".as_slice(), &long, b"\nlast\n"].concat();
        let expected =
            vec![b"one".to_vec(), Vec::new(), b"three".to_vec(), long.clone(), b"last".to_vec()];
        assert_eq!(all(&text[..]), (expected.clone(), true));
        assert_eq!(all(Slow(&text)), (expected, true));
        assert_eq!(all(&b""[..]), (Vec::new(), true));
        assert_eq!(all(&b"one\ntorn"[..]), (vec![b"one".to_vec()], false));
    }

    #[test]
    fn a_line_without_end_is_not_read_into_memory() {
        let mut lines = Lines::new(io::repeat(b'x'));
        assert!(matches!(lines.next().unwrap(), Next::Torn));
        assert!(lines.buffer.len() <= 2 * LINE_BYTES_MAX);
    }
}
