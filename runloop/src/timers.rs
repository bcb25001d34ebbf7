//! Pending timers, which expire by deadline and, among equal ones, as they were armed.
//!
//! They lie in a hierarchical wheel (`wheel.rs`). Nanoseconds per operation on one core of a shared
//! virtual machine, as `cargo bench -p eventlet-runloop` printed them (the wheel through the loop's
//! public functions, the others bare):
//!
//! | pending | | arm+cancel, latest of all | arm+cancel, random | arm new, cancel oldest | arm new, cancel random | expire, arm random |
//! |---|---|---|---|---|---|---|
//! | 100 | wheel | 28 | 44 | 41 | 57 | 164 (with the hub's poll) |
//! | | four-ary heap | 18 | 19 | 51 | 38 | 67 |
//! | | `BTreeMap` | 92 | 125 | 90 | 176 | 102 |
//! | 100,000 | wheel | 31 | 27 | 34 | 449 | 351 |
//! | | four-ary heap | 17 | 28 | 120 | 217 | 234 |
//! | | `BTreeMap` | 124 | 383 | 130 | 652 | 257 |
//! | 1,000,000 | wheel | 39 | 36 | 46 | 770 | 533 |
//! | | four-ary heap | 18 | 30 | 115 | 911 | 1003 |
//! | | `BTreeMap` | 146 | 789 | 204 | 1443 | 1114 |
//!
//! The wheel was taken because a server's timers are deadlines of equal length that are moved on
//! with each request: arm new, cancel old, hardly ever expire. There it costs the same at any
//! number, a third of the heap. The price: a slot is broken up in one go, so a million timers due
//! within one second make some turn last 10 to 30 ms (two more turns likewise); and random victims
//! among 100,000 miss the cache in three places instead of two. A pending timer takes 48 bytes, and
//! its name 16.
//!
//! Reading the clock, and calling what expires, are not done here.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use crate::Time;
use crate::wheel::{Node, Wheel};

/// In a node's `next`: set aside to expire; `previous` is its place among those.
const DUE: u32 = u32::MAX - 1;
/// In a node's `next`: its deadline had passed when it was armed.
const OVERDUE: u32 = u32::MAX - 2;
/// A search among so few timers is always affordable.
const CHEAP_SEARCH: u64 = 64;

/// Names a timer. A timer that has expired or was cancelled is never confused with a later one.
///
/// # Examples
///
/// ```
/// use eventlet_runloop::{RunLoop, TimerId};
/// use std::time::Duration;
///
/// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
/// let timer: TimerId = run_loop.call_after(Duration::from_secs(60), |_| unreachable!());
/// assert!(run_loop.cancel_timer(timer));
/// assert!(!run_loop.cancel_timer(timer), "once cancelled, it is gone");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerId {
    slot: u32,
    /// Unique among all timers of the loop: the generation of the slot, and the order of arming.
    sequence: NonZeroU64,
}

/// No deadline in the wheel is before this; exact while the timer it was taken from is there.
#[derive(Clone, Copy)]
struct Floor {
    deadline: u64,
    timer: TimerId,
}

/// The timers, each with a value.
pub(crate) struct Timers<T> {
    wheel: Wheel<T>,
    /// Those that were armed with a deadline before the wheel's base, in order: all of them are due
    /// before anything in the wheel.
    overdue: BTreeMap<(u64, NonZeroU64), u32>,
    /// What a turn took out to expire, in order. `None`: was cancelled meanwhile.
    due: Vec<Option<TimerId>>,
    /// How many of `due` have been handed out.
    due_taken: usize,
    /// `None`: to be searched for.
    floor: Option<Floor>,
    /// What the latest search for the floor cost, and how many timers were armed since. A new
    /// search only to make the floor exact must have been paid for by as many.
    search_cost: u64,
    armed_since: u64,
    /// Of the next timer.
    sequence: NonZeroU64,
}

impl<T> Timers<T> {
    pub(crate) fn new() -> Self {
        Timers {
            wheel: Wheel::new(),
            overdue: BTreeMap::new(),
            due: Vec::new(),
            due_taken: 0,
            floor: None,
            search_cost: 0,
            armed_since: 0,
            sequence: NonZeroU64::MIN,
        }
    }

    /// How many are pending.
    pub(crate) fn len(&self) -> usize {
        self.wheel.nodes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Deadlines and values, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Time, T)>
    where
        T: Clone,
    {
        let nodes = self.wheel.nodes.values();
        nodes.map(|node| (Time::from_nanos(node.deadline), node.value.clone()))
    }

    #[inline]
    pub(crate) fn arm(&mut self, deadline: Time, value: T) -> TimerId {
        let deadline = deadline.as_nanos();
        let sequence = self.sequence;
        self.sequence = sequence.saturating_add(1);
        if deadline < self.wheel.base() {
            let slot = self.wheel.nodes.insert(Node {
                deadline,
                sequence,
                next: OVERDUE,
                previous: OVERDUE,
                value,
            });
            self.overdue.insert((deadline, sequence), slot);
            return TimerId { slot, sequence };
        }
        let earlier = match self.floor {
            None => self.wheel.is_empty(),
            Some(floor) => deadline < floor.deadline,
        };
        let slot = self.wheel.insert(deadline, sequence, value);
        let timer = TimerId { slot, sequence };
        if earlier {
            self.floor = Some(Floor { deadline, timer });
        }
        self.armed_since += 1;
        timer
    }

    /// Removes a timer and hands its value back; `None` if it is not pending.
    #[inline]
    pub(crate) fn cancel(&mut self, timer: TimerId) -> Option<T> {
        let node = self.wheel.nodes.get(timer.slot)?;
        if node.sequence != timer.sequence {
            return None;
        }
        match node.next {
            DUE => self.due[node.previous as usize] = None,
            OVERDUE => {
                self.overdue.remove(&(node.deadline, node.sequence));
            }
            _ => {
                self.wheel.unfile(timer.slot);
                if self.wheel.is_empty() {
                    self.floor = None;
                }
            }
        }
        Some(self.wheel.nodes.take(timer.slot)?.value)
    }

    /// The earliest deadline.
    pub(crate) fn next_deadline(&mut self) -> Option<Time> {
        let due = self.due[self.due_taken..].iter().flatten().next();
        let due = due.and_then(|timer| Some(self.wheel.nodes.get(timer.slot)?.deadline));
        let overdue = self.overdue.first_key_value();
        let overdue = overdue.map(|((deadline, _), _)| *deadline);
        let first = match (due, overdue) {
            (Some(due), Some(overdue)) => Some(due.min(overdue)),
            (due, overdue) => due.or(overdue),
        };
        first.or_else(|| self.exact_floor()).map(Time::from_nanos)
    }

    /// When to look again whether something is due: the earliest deadline, or a bit before it, when
    /// a timer that was earlier has been cancelled and finding the next one would take long.
    pub(crate) fn next_look(&mut self) -> Option<Time> {
        if self.due_taken < self.due.len() || !self.overdue.is_empty() {
            return self.next_deadline();
        }
        let affordable = self.armed_since.saturating_add(CHEAP_SEARCH) >= self.search_cost;
        match self.floor {
            Some(floor) if !affordable => Some(Time::from_nanos(floor.deadline)),
            _ => self.exact_floor().map(Time::from_nanos),
        }
    }

    fn exact_floor(&mut self) -> Option<u64> {
        if let Some(floor) = self.floor
            && let Some(node) = self.wheel.nodes.get(floor.timer.slot)
            && node.sequence == floor.timer.sequence
        {
            return Some(floor.deadline);
        }
        self.floor = None;
        let (slot, steps) = self.wheel.find_earliest()?;
        let node = self.wheel.nodes.get(slot)?;
        let (deadline, sequence) = (node.deadline, node.sequence);
        let timer = TimerId { slot, sequence };
        self.floor = Some(Floor { deadline, timer });
        self.search_cost = steps;
        self.armed_since = 0;
        Some(deadline)
    }

    /// Sets at most `limit` timers aside whose deadlines are not after `now`, for
    /// [`next_due`](Self::next_due) to hand out. What is armed from here on is not among them.
    pub(crate) fn collect_due(&mut self, now: Time, limit: usize) {
        debug_assert_eq!(
            self.due_taken,
            self.due.len(),
            "the last ones are handed out"
        );
        self.due.clear();
        self.due_taken = 0;
        while self.due.len() < limit {
            let slot = match self.overdue.pop_first() {
                Some((_, slot)) => slot,
                None => match self.wheel.pop(now.as_nanos()) {
                    Some(slot) => slot,
                    None => break,
                },
            };
            if let Some(node) = self.wheel.nodes.get_mut(slot) {
                node.next = DUE;
                node.previous = self.due.len() as u32;
                let sequence = node.sequence;
                self.due.push(Some(TimerId { slot, sequence }));
            }
        }
        // Passed: the timer it was taken from is due, or gone.
        self.floor = self.floor.filter(|floor| floor.deadline > now.as_nanos());
    }

    /// The next of the timers set aside that was not cancelled meanwhile.
    pub(crate) fn next_due(&mut self) -> Option<(TimerId, T)> {
        while let Some(&entry) = self.due.get(self.due_taken) {
            self.due_taken += 1;
            if let Some(timer) = entry {
                return Some((timer, self.wheel.nodes.take(timer.slot)?.value));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLION: usize = 1_000_000;

    #[test]
    fn the_memory_of_a_million_cancelled_timers_is_given_back() {
        let mut timers = Timers::new();
        let ids: Vec<TimerId> = (0..MILLION as u64)
            .map(|n| timers.arm(Time::from_nanos(n.wrapping_mul(0x9E37_79B9) % (1 << 40)), n))
            .collect();
        assert!(timers.wheel.nodes.capacity() >= MILLION);
        // All but one in ten thousand, which lie scattered over the whole table.
        for (n, id) in ids.iter().enumerate() {
            if n % 10_000 != 0 {
                assert_eq!(timers.cancel(*id), Some(n as u64));
            }
        }
        assert_eq!(timers.len(), MILLION / 10_000);
        assert!(timers.wheel.nodes.capacity() < MILLION / 30);
        for id in ids.iter().step_by(10_000) {
            assert!(timers.cancel(*id).is_some());
        }
        assert!(timers.wheel.nodes.capacity() <= 256);
    }

    #[test]
    fn a_million_expired_timers_leave_no_memory_behind() {
        let mut timers = Timers::new();
        for n in 0..MILLION as u64 {
            timers.arm(Time::from_nanos(MILLION as u64 - n), n);
        }
        let mut expected = (0..MILLION as u64).rev();
        while !timers.is_empty() {
            timers.collect_due(Time::END, 1000);
            while let Some((_, value)) = timers.next_due() {
                assert_eq!(Some(value), expected.next());
            }
        }
        assert!(timers.wheel.nodes.capacity() <= 256);
    }

    #[test]
    fn one_timer_to_and_fro_keeps_its_memory() {
        let mut timers = Timers::new();
        let id = timers.arm(Time::ORIGIN, ());
        assert!(timers.cancel(id).is_some());
        let kept = timers.wheel.nodes.capacity();
        assert!(kept > 0);
        let id = timers.arm(Time::ORIGIN, ());
        assert_eq!(timers.wheel.nodes.capacity(), kept);
        assert!(timers.cancel(id).is_some());
    }

    #[test]
    fn a_pending_timer_takes_at_most_64_bytes_with_its_name() {
        use std::mem::size_of;
        use std::rc::Rc;
        let entry = crate::slab::slot_size::<Node<Rc<dyn Fn()>>>();
        assert!(entry + size_of::<Option<TimerId>>() <= 64);
    }
}
