//! A map bounded in bytes, evicting what was not used for longest (second chance).

use std::collections::{HashMap, VecDeque};

/// Bookkeeping bytes of one value: maps, pointers and parsed JSON around the raw bytes.
const OVERHEAD_BYTES: usize = 512;
/// Parsed JSON and a decoded fact take about this many times the raw bytes.
const EXPANSION: usize = 6;

struct Slot<V> {
    value: V,
    bytes: usize,
    used: bool,
}

/// The cache.
pub(super) struct ByteCache<V> {
    slots: HashMap<u64, Slot<V>>,
    queue: VecDeque<u64>,
    bytes: usize,
    max_bytes: usize,
    generation: u64,
}

impl<V: Clone> ByteCache<V> {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { slots: HashMap::new(), queue: VecDeque::new(), bytes: 0, max_bytes, generation: 0 }
    }

    /// Raised by every `clear`.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn get(&mut self, key: u64) -> Option<V> {
        let slot = self.slots.get_mut(&key)?;
        slot.used = true;
        Some(slot.value.clone())
    }

    /// Keeps a value, unless the cache was cleared since `generation`.
    pub(super) fn insert(&mut self, key: u64, value: V, raw_bytes: usize, generation: u64) {
        if generation != self.generation || self.slots.contains_key(&key) {
            return;
        }
        let bytes = raw_bytes.saturating_mul(EXPANSION).saturating_add(OVERHEAD_BYTES);
        self.slots.insert(key, Slot { value, bytes, used: false });
        self.queue.push_back(key);
        self.bytes += bytes;
        self.evict();
    }

    fn evict(&mut self) {
        while self.bytes > self.max_bytes {
            let Some(key) = self.queue.pop_front() else {
                return;
            };
            match self.slots.get_mut(&key) {
                Some(slot) if slot.used => {
                    slot.used = false;
                    self.queue.push_back(key);
                }
                Some(slot) => {
                    self.bytes -= slot.bytes;
                    self.slots.remove(&key);
                }
                None => {}
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.queue.clear();
        self.bytes = 0;
        self.generation += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_within_its_bound_and_keeps_what_is_used() {
        let mut cache = ByteCache::new(OVERHEAD_BYTES * 3);
        let generation = cache.generation();
        for key in 0..3 {
            cache.insert(key, key, 0, generation);
        }
        assert_eq!(cache.get(0), Some(0));
        cache.insert(3, 3, 0, generation);
        assert_eq!(cache.get(0), Some(0));
        assert_eq!(cache.get(1), None);
        assert!(cache.bytes <= cache.max_bytes);
        cache.clear();
        cache.insert(5, 5, 0, generation);
        assert_eq!(cache.get(5), None, "read before the clear");
    }
}
