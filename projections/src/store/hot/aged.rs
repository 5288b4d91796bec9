//! A map that forgets what was not used for longest, roughly: in two halves, where what is used
//! moves to the young one, and the old one goes when the young one is full.

use std::collections::HashMap;

/// The map. Every call that may grow it is told the same bound.
pub(super) struct Aged<V> {
    young: HashMap<Box<[u8]>, V>,
    old: HashMap<Box<[u8]>, V>,
}

impl<V> Default for Aged<V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<V> Aged<V> {
    /// Looks up and counts as a use.
    pub(super) fn get(&mut self, key: &[u8], max: usize) -> Option<&V> {
        if let Some((key, value)) = self.old.remove_entry(key) {
            self.insert(key, value, max);
        }
        self.young.get(key)
    }

    /// Looks up without counting as a use.
    pub(super) fn peek(&mut self, key: &[u8]) -> Option<&mut V> {
        match self.young.get_mut(key) {
            Some(value) => Some(value),
            None => self.old.get_mut(key),
        }
    }

    /// Sets a value; the map then holds at most `max`.
    pub(super) fn insert(&mut self, key: Box<[u8]>, value: V, max: usize) {
        self.old.remove(&key);
        if self.young.len() >= max / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub(super) fn remove(&mut self, key: &[u8]) {
        self.young.remove(key);
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        let mut map = Aged::default();
        for round in 0..100_u8 {
            map.insert(Box::from([round]), round, 8);
            assert_eq!(map.get(&[0], 8), Some(&0), "used in each round");
            assert!(map.young.len() + map.old.len() <= 8);
        }
        assert_eq!(map.get(&[50], 8), None);
        *map.peek(&[99]).expect("the last") = 7;
        assert_eq!(map.get(&[99], 8), Some(&7));
        map.remove(&[99]);
        assert_eq!(map.get(&[99], 8), None);
    }
}
