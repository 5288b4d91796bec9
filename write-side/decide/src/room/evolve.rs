//! How facts change the fold of a room.
//!
//! Applies what was decided and never authorizes or resolves (LOG section 4): a newer version of
//! the rules changes nothing here. A stub gives what the message gave for which it stands, but for
//! the client's transaction. Facts of other kinds, and parts that are destroyed, change nothing but
//! the revision. Invariants: I2, I5 (the caller skips what it has applied), I7.

use std::sync::Arc;

use facts::{
    LogPosition,
    fact::{Fact, PduStored, PduStub, Placement, PlacementKind, StateBefore, StateChange, Verdict},
};
use ruma::{EventId, OwnedEventId, RoomVersionId};

use super::{
    auth_index::IndexedEvent,
    fold::{
        GAPS_MAX, PENDING_REDACTIONS_MAX, PendingRedaction, RECENT_STATES_MAX, Recent, RoomFold,
        TXN_KEPT_MS, TXNS_MAX, Tip, TxnEntry, TxnKey, Unsettled,
    },
    state::{RoomState, StateEntry, StateKey},
};
use crate::pdu::Skeleton;

impl RoomFold {
    /// Applies the fact of the entry at `position`, whose batch begins at `batch`.
    ///
    /// Every entry of the room's stream but the first must be handed in, in order.
    pub fn evolve(&mut self, position: LogPosition, batch: LogPosition, fact: &Fact) {
        self.revision = self.revision.next();
        match fact {
            Fact::PduStored(stored) => self.store(position, batch, stored),
            Fact::PduStub(stub) => self.store_stub(position, batch, stub),
            Fact::PduPlaced(placed) => {
                self.place_stored(placed.pdu.resolve(batch), batch, &placed.placement);
            }
            Fact::PduRedacted(redacted) => {
                self.pending_redactions.remove(&redacted.by.resolve(batch));
            }
            Fact::RoomPublished(published) => self.published = published.public,
            _ => {}
        }
    }

    /// Counts an entry of the room's stream whose fact is destroyed.
    pub fn skip(&mut self) {
        self.revision = self.revision.next();
    }

    fn store(&mut self, position: LogPosition, batch: LogPosition, stored: &PduStored) {
        // What cannot be read was refused before it was stored; nothing can be done with it.
        let Ok(pdu) = Skeleton::of(&self.room_id, stored) else {
            return;
        };
        if self.version.is_none() && pdu.is_state("m.room.create") {
            self.version = pdu
                .room_version
                .as_deref()
                .map_or(Ok(RoomVersionId::V1), RoomVersionId::try_from)
                .ok();
        }
        let unsettled = Unsettled {
            event_id: pdu.event_id,
            sender: Some(pdu.sender),
            event_type: pdu.event_type,
            state_key: pdu.state_key,
            membership: pdu.membership,
            prev_events: pdu.prev_events,
            auth_events: pdu.auth_events,
            redacts: pdu.redacts,
            depth: pdu.depth,
            origin_server_ts: pdu.origin_server_ts,
            txn: stored.content.as_ref().and_then(|content| content.txn.clone()),
        };
        self.settle(position, batch, unsettled, stored.placement.as_ref());
    }

    /// A stub is a message's, which authorizes nothing and redacts nothing.
    fn store_stub(&mut self, position: LogPosition, batch: LogPosition, stub: &PduStub) {
        let Ok(event_id) = EventId::parse(&stub.event_id) else {
            return;
        };
        let prev_events: Result<_, _> = stub.prev_events.iter().map(EventId::parse).collect();
        let Ok(prev_events) = prev_events else {
            return;
        };
        let unsettled = Unsettled {
            event_id,
            sender: None,
            event_type: String::new(),
            state_key: None,
            membership: None,
            prev_events,
            auth_events: Vec::new(),
            redacts: None,
            depth: stub.depth,
            origin_server_ts: 0,
            txn: None,
        };
        self.settle(position, batch, unsettled, stub.placement.as_ref());
    }

    fn settle(
        &mut self,
        position: LogPosition,
        batch: LogPosition,
        pdu: Unsettled,
        placement: Option<&Placement>,
    ) {
        match placement {
            Some(placement) => self.place(position, pdu, batch, placement),
            None => {
                self.unsettled.insert(position, pdu);
            }
        }
    }

    fn place_stored(&mut self, position: LogPosition, batch: LogPosition, placement: &Placement) {
        if let Some(pdu) = self.unsettled.remove(&position) {
            self.place(position, pdu, batch, placement);
        }
    }

    fn place(
        &mut self,
        position: LogPosition,
        pdu: Unsettled,
        batch: LogPosition,
        placement: &Placement,
    ) {
        let rejected = matches!(placement.verdict, Verdict::Reject(_));
        self.index_event(position, &pdu, rejected);
        let after = self.state_after_placed(position, &pdu, batch, placement, rejected);
        if let Some(after) = &after {
            self.keep_recent(position, &pdu, after.clone());
        }
        if placement.kind == PlacementKind::Live {
            self.move_tips(position, &pdu, batch, placement);
        }
        if placement.kind == PlacementKind::Outlier {
            self.unsettled.insert(position, pdu);
        } else {
            self.enter_graph(position, &pdu, placement);
        }
        self.move_current_state(position, batch, placement, after);
        self.forget_old_states();
    }

    fn index_event(&mut self, position: LogPosition, pdu: &Unsettled, rejected: bool) {
        let Some(state_key) = &pdu.state_key else {
            return;
        };
        let auth = pdu.auth_events.iter().filter_map(|id| self.index.position_of(id)).collect();
        let event = IndexedEvent {
            event_id: pdu.event_id.clone(),
            key: (pdu.event_type.clone(), state_key.clone()),
            membership: (pdu.event_type == "m.room.member")
                .then(|| pdu.membership.clone())
                .flatten(),
            auth,
            rejected,
        };
        self.index.insert(position, event);
    }

    fn state_after_placed(
        &self,
        position: LogPosition,
        pdu: &Unsettled,
        batch: LogPosition,
        placement: &Placement,
        rejected: bool,
    ) -> Option<RoomState> {
        let mut state = match &placement.before {
            StateBefore::AfterPrev => match pdu.prev_events.first() {
                None => RoomState::new(),
                Some(prev) => self.state_after(prev)?.clone(),
            },
            StateBefore::Base { at, delta, .. } => {
                let mut state = self.recent.get(&at.resolve(batch))?.after.clone();
                self.apply_changes(&mut state, batch, delta);
                state
            }
            StateBefore::Unknown => return None,
        };
        if let (Some(state_key), false) = (&pdu.state_key, rejected) {
            let entry = StateEntry { position, event_id: pdu.event_id.clone() };
            state.insert((pdu.event_type.clone(), state_key.clone()), entry);
        }
        Some(state)
    }

    fn apply_changes(&self, state: &mut RoomState, batch: LogPosition, changes: &[StateChange]) {
        for StateChange(event_type, state_key, _, new) in changes {
            let key: StateKey = (event_type.clone(), state_key.clone());
            let entry = new.and_then(|new| self.index.state_entry(new.resolve(batch)));
            match entry {
                Some(entry) => state.insert(key, entry),
                None => state.remove(&key),
            };
        }
    }

    fn keep_recent(&mut self, position: LogPosition, pdu: &Unsettled, after: RoomState) {
        self.recent_ids.insert(pdu.event_id.clone(), position);
        let recent = Recent { event_id: pdu.event_id.clone(), depth: pdu.depth, after };
        self.recent.insert(position, recent);
    }

    /// What an event brings into the graph: gaps before it, its place in the timeline, a redaction
    /// that may wait, a client's transaction.
    fn enter_graph(&mut self, position: LogPosition, pdu: &Unsettled, placement: &Placement) {
        if matches!(placement.verdict, Verdict::Reject(_)) {
            return;
        }
        self.gaps.remove(&pdu.event_id);
        for prev in &pdu.prev_events {
            if !self.recent_ids.contains_key(prev) {
                self.gaps.insert(prev.clone(), position);
            }
        }
        bound_oldest(&mut self.gaps, GAPS_MAX);
        if let Some(place) = placement.timeline {
            if place.0 == 0 {
                self.next_index = self.next_index.max(place.1.saturating_add(1));
            }
            self.oldest_run = self.oldest_run.min(place.0);
        }
        if let (Some(target), Verdict::Accept) = (&pdu.redacts, placement.verdict) {
            let pending =
                PendingRedaction { redaction: pdu.event_id.clone(), target: target.clone() };
            self.pending_redactions.insert(position, pending);
            while self.pending_redactions.len() > PENDING_REDACTIONS_MAX {
                self.pending_redactions = self.pending_redactions.without_min().1;
            }
        }
        self.remember_txn(position, pdu);
    }

    fn remember_txn(&mut self, position: LogPosition, pdu: &Unsettled) {
        let (Some(txn), Some(sender)) = (&pdu.txn, &pdu.sender) else { return };
        let key = Arc::new(TxnKey::new(sender, txn));
        let entry =
            TxnEntry { event_id: pdu.event_id.clone(), position, at_ms: pdu.origin_server_ts };
        let now = entry.at_ms;
        self.txns.insert(Arc::clone(&key), entry);
        self.txn_order.insert(position, key);
        while let Some((oldest_at, oldest)) = self.txn_order.get_min() {
            let stale = self
                .txns
                .get(oldest)
                .is_none_or(|entry| entry.at_ms.saturating_add(TXN_KEPT_MS) < now);
            if !stale && self.txn_order.len() <= TXNS_MAX {
                break;
            }
            let oldest_at = *oldest_at;
            self.txns.remove(oldest);
            self.txn_order.remove(&oldest_at);
        }
    }

    fn move_tips(
        &mut self,
        position: LogPosition,
        pdu: &Unsettled,
        batch: LogPosition,
        placement: &Placement,
    ) {
        let own = Tip { position, event_id: pdu.event_id.clone(), depth: pdu.depth };
        let Some(extremities) = &placement.extremities else {
            self.tips = vec![own];
            return;
        };
        self.tips =
            extremities.iter().filter_map(|tip| self.tip_at(tip.resolve(batch), &own)).collect();
    }

    fn tip_at(&self, position: LogPosition, own: &Tip) -> Option<Tip> {
        if position == own.position {
            return Some(own.clone());
        }
        if let Some(tip) = self.tips.iter().find(|tip| tip.position == position) {
            return Some(tip.clone());
        }
        self.recent.get(&position).map(|recent| Tip {
            position,
            event_id: recent.event_id.clone(),
            depth: recent.depth,
        })
    }

    fn move_current_state(
        &mut self,
        position: LogPosition,
        batch: LogPosition,
        placement: &Placement,
        after: Option<RoomState>,
    ) {
        let alone = matches!(&*self.tips, [tip] if tip.position == position);
        match after {
            // The only extremity: the current state is the state after it, and shares its nodes.
            Some(after) if alone && placement.kind == PlacementKind::Live => self.state = after,
            _ => {
                let mut state = std::mem::take(&mut self.state);
                self.apply_changes(&mut state, batch, &placement.changes);
                self.state = state;
            }
        }
    }

    fn forget_old_states(&mut self) {
        let over = self.recent.len().saturating_sub(RECENT_STATES_MAX);
        if over == 0 {
            return;
        }
        let old: Vec<_> = self
            .recent
            .iter()
            .take(over)
            .filter(|(position, _)| !self.tips.iter().any(|tip| tip.position == **position))
            .map(|(position, recent)| (*position, recent.event_id.clone()))
            .collect();
        for (position, event_id) in old {
            self.recent.remove(&position);
            self.recent_ids.remove(&event_id);
        }
    }
}

fn bound_oldest(gaps: &mut imbl::OrdMap<OwnedEventId, LogPosition>, max: usize) {
    while gaps.len() > max {
        let Some(oldest) =
            gaps.iter().min_by_key(|(_, position)| **position).map(|(id, _)| id.clone())
        else {
            return;
        };
        gaps.remove(&oldest);
    }
}
