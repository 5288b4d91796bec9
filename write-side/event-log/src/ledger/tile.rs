//! Tiles: which hashes of the tree one resource holds, and its path (C2SP `tlog-tiles`).
//!
//! Owns the coordinates and the path in both directions. There is one way to write a path; every
//! other is refused, so that a cache holds each tile once.

use std::fmt;

use super::levels::LEVELS;

/// Hashes of a full tile.
pub const TILE_WIDTH: u64 = 256;
/// Its level of the tree is this much above that of its hashes.
pub(crate) const TILE_HEIGHT: u32 = 8;

/// A run of hashes on one level, at most a tile wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Level: hashes here stand over 256 to this power leaves each.
    pub level: u8,
    /// Index among the tiles of the level.
    pub index: u64,
    /// Hashes; 256 in a full tile.
    pub width: u16,
}

/// A bundle of entries, addressed like a tile of level 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Index of the bundle.
    pub index: u64,
    /// Entries; 256 in a full bundle.
    pub width: u16,
}

impl Tile {
    /// By the path below `/tile/`: `<L>/<N>[.p/<W>]`.
    pub fn from_path(path: &str) -> Option<Self> {
        let (level, rest) = path.split_once('/')?;
        let level: u8 = canonical(level)?;
        let (index, width) = index_and_width(rest)?;
        // The specification allows levels up to 63, of which a tree of 2^64 leaves fills eight.
        (level < 64).then_some(Self { level, index, width })
    }

    /// The path below `/tile/`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.level, grouped(self.index, self.width))
    }

    /// Number of hashes on the tile's level in a tree of this size.
    pub(crate) fn hashes_on_level(&self, size: u64) -> u64 {
        if usize::from(self.level) >= LEVELS {
            return 0;
        }
        size >> (u32::from(self.level) * TILE_HEIGHT)
    }

    /// Whether a tree of this size has all hashes of the tile.
    pub fn is_in(&self, size: u64) -> bool {
        let end = self.index.checked_mul(TILE_WIDTH).and_then(|n| n.checked_add(self.width.into()));
        end.is_some_and(|end| end <= self.hashes_on_level(size))
    }

    /// Whether it has all its hashes.
    pub fn is_full(&self) -> bool {
        u64::from(self.width) == TILE_WIDTH
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}", self.path())
    }
}

impl Bundle {
    /// By the path below `/tile/entries/`: `<N>[.p/<W>]`.
    pub fn from_path(path: &str) -> Option<Self> {
        let (index, width) = index_and_width(path)?;
        Some(Self { index, width })
    }

    /// The path below `/tile/entries/`.
    pub fn path(&self) -> String {
        grouped(self.index, self.width)
    }
}

/// A decimal number written in the one way that has no leading zero.
fn canonical<T: std::str::FromStr>(digits: &str) -> Option<T> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let leading = digits.len() > 1 && digits.starts_with('0');
    (plain && !leading).then(|| digits.parse().ok()).flatten()
}

fn index_and_width(path: &str) -> Option<(u64, u16)> {
    let (groups, width) = match path.split_once(".p/") {
        Some((groups, width)) => {
            let width = canonical::<u16>(width)?;
            ((1..256).contains(&width)).then_some((groups, width))?
        }
        None => (path, 256),
    };
    let mut index: u64 = 0;
    let mut parts = groups.split('/').peekable();
    let mut first = true;
    while let Some(part) = parts.next() {
        let digits = if parts.peek().is_some() { part.strip_prefix('x')? } else { part };
        let three = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
        // A leading group of zeros would be a second way to write the same index.
        let padded = first && parts.peek().is_some() && digits == "000";
        if !three || padded {
            return None;
        }
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        first = false;
    }
    Some((index, width))
}

fn grouped(index: u64, width: u16) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if width < 256 { format!("{path}.p/{width}") } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let tile = |level, index, width| Tile { level, index, width };
        for (path, expected) in [
            ("0/x001/x234/067", tile(0, 1_234_067, 256)),
            ("0/000", tile(0, 0, 256)),
            ("1/999.p/17", tile(1, 999, 17)),
            ("63/x001/000.p/255", tile(63, 1000, 255)),
        ] {
            assert_eq!(Tile::from_path(path), Some(expected), "{path}");
            assert_eq!(expected.path(), path);
        }
    }

    #[test]
    fn there_is_one_way_to_write_a_path() {
        for wrong in [
            "",
            "0",
            "0/",
            "0/0",
            "0/00",
            "0/0000",
            "00/000",
            "64/000",
            "256/000",
            "-1/000",
            "0/x000/001",
            "0/x001",
            "0/001/002",
            "0/x001/x002",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/01",
            "0/000.p/",
            "0/000.p",
            "0/000/",
            "/000",
            "0//000",
            "0/x1/001",
            "0/+01",
            "0/000.p/1/",
            "a/000",
            "0/x999/x999/x999/x999/x999/x999/x999/999",
            "0/０００",
        ] {
            assert_eq!(Tile::from_path(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_example_of_the_specification_has_its_tiles() {
        let size = 70_000;
        let has = |path| Tile::from_path(path).is_some_and(|tile| tile.is_in(size));
        for there in ["0/272", "0/273.p/112", "1/000", "1/001.p/17", "2/000.p/1", "0/273.p/1"] {
            assert!(has(there), "{there}");
        }
        for missing in ["0/273", "0/273.p/113", "1/001", "1/001.p/18", "2/000.p/2", "3/000.p/1"] {
            assert!(!has(missing), "{missing}");
        }
        assert!(!has("63/000.p/1"));
    }
}
