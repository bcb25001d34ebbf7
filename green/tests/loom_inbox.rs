//! Models of the way from another thread into a loop: the mailbox, the hub's waker, a future's note,
//! and the sleep of a thread that has no loop. Every interleaving is tried; run by `ci/loom.sh`.
#![cfg(loom)]

use eventlet_green::between_threads::bed::{Bed, Slept};
use eventlet_green::between_threads::mailbox::{Mailbox, Posted};
use eventlet_green::between_threads::notice::{Notice, Prepared};
use eventlet_hub::pending::{Pending, Raised};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

/// How a hub watches its wake-up descriptor; see `WakeSource::acknowledge` and `acknowledge_edge`.
#[derive(Clone, Copy)]
enum Trigger {
    /// Reported while it is readable: drained at each report.
    Level,
    /// Reported once a signal: never drained.
    Edge,
}

/// A loop's way in, as `Inbox` and `Waker` put it together, over a model of the descriptor.
struct Entrance {
    mailbox: Mailbox<usize>,
    pending: Pending,
    /// An eventfd: how often it was signalled since it was drained, or since the last edge.
    count: Mutex<usize>,
    readable: Condvar,
    trigger: Trigger,
}

impl Entrance {
    fn new(trigger: Trigger) -> Self {
        Entrance {
            mailbox: Mailbox::new(),
            pending: Pending::new(),
            count: Mutex::new(0),
            readable: Condvar::new(),
            trigger,
        }
    }

    fn post(&self, letter: usize) -> Result<(), usize> {
        if self.mailbox.post(letter)? == Posted::First && self.pending.raise() == Raised::First {
            *self.count.lock().unwrap() += 1;
            self.readable.notify_one();
        }
        Ok(())
    }

    /// One turn: a wait, the acknowledgement, and what came in.
    fn turn(&self) -> Vec<usize> {
        let mut count = self.count.lock().unwrap();
        while *count == 0 {
            count = self.readable.wait(count).unwrap();
        }
        if let Trigger::Edge = self.trigger {
            // The kernel's doing: the edge is reported once.
            *count = 0;
        }
        drop(count);
        if let Trigger::Level = self.trigger {
            *self.count.lock().unwrap() = 0;
        }
        self.pending.lower();
        if self.mailbox.has_any() {
            self.mailbox.take()
        } else {
            Vec::new()
        }
    }
}

fn letters_come_through(trigger: Trigger) {
    loom::model(move || {
        let entrance = Arc::new(Entrance::new(trigger));
        let posters: Vec<_> = [10, 20]
            .into_iter()
            .map(|letter| {
                let entrance = Arc::clone(&entrance);
                thread::spawn(move || entrance.post(letter).unwrap())
            })
            .collect();
        // If one were lost, this would wait for ever, which the checker reports.
        let mut got = Vec::new();
        while got.len() < 2 {
            got.extend(entrance.turn());
        }
        got.sort_unstable();
        assert_eq!(got, [10, 20]);
        for poster in posters {
            poster.join().unwrap();
        }
    });
}

#[test]
fn letters_come_through_a_level_triggered_hub() {
    letters_come_through(Trigger::Level);
}

#[test]
fn letters_come_through_an_edge_triggered_hub() {
    letters_come_through(Trigger::Edge);
}

#[test]
fn letters_of_one_poster_stay_in_order() {
    loom::model(|| {
        let entrance = Arc::new(Entrance::new(Trigger::Level));
        let theirs = Arc::clone(&entrance);
        let poster = thread::spawn(move || {
            for letter in 0..3 {
                theirs.post(letter).unwrap();
            }
        });
        let mut got = Vec::new();
        while got.len() < 3 {
            got.extend(entrance.turn());
        }
        assert_eq!(got, [0, 1, 2]);
        poster.join().unwrap();
    });
}

/// What was posted either comes out at the close or comes back: never neither, never both.
#[test]
fn a_closed_mailbox_loses_nothing() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::new());
        let posters = [1, 2].map(|letter| {
            let mailbox = Arc::clone(&mailbox);
            thread::spawn(move || mailbox.post(letter).map(|_| ()).err())
        });
        let mut seen = mailbox.close();
        for poster in posters {
            seen.extend(poster.join().unwrap());
        }
        seen.sort_unstable();
        assert_eq!(seen, [1, 2]);
        assert!(mailbox.is_closed() && mailbox.take().is_empty());
    });
}

#[test]
fn a_sleeper_is_woken() {
    loom::model(|| {
        let bed = Arc::new(Bed::new());
        let wakers = [0; 2].map(|_| {
            let bed = Arc::clone(&bed);
            thread::spawn(move || bed.wake())
        });
        assert_eq!(bed.sleep(None), Slept::Woken);
        for waker in wakers {
            waker.join().unwrap();
        }
    });
}

/// As `block_on` does it: clear, poll, prepare, sleep. Two wakers, each after what it has done: the
/// last poll sees both.
#[test]
fn a_future_is_polled_after_each_wake_up() {
    let mut model = loom::model::Builder::new();
    // All interleavings with so many forced switches: without the bound it takes hours. The faults
    // of such code show with two; see Musuvathi and Qadeer, PLDI 2007.
    model.preemption_bound = Some(2);
    model.check(|| {
        let notice = Arc::new(Notice::new());
        let done = Arc::new(AtomicUsize::new(0));
        // Which ticket was redeemed last, and the sleeper's bell.
        let redeemed = Arc::new((Mutex::new(None::<u64>), Condvar::new()));
        let wakers = [0; 2].map(|_| {
            let (notice, done) = (Arc::clone(&notice), Arc::clone(&done));
            let redeemed = Arc::clone(&redeemed);
            thread::spawn(move || {
                // Relaxed: the notice alone must carry it over.
                done.fetch_add(1, Ordering::Relaxed);
                if let Some(ticket) = notice.notify() {
                    *redeemed.0.lock().unwrap() = Some(ticket);
                    redeemed.1.notify_one();
                }
            })
        });
        let mut ticket = 0;
        loop {
            notice.clear();
            if done.load(Ordering::Relaxed) == 2 {
                break;
            }
            ticket += 1;
            if notice.prepare(ticket) == Prepared::MaySleep {
                let mut last = redeemed.0.lock().unwrap();
                while *last != Some(ticket) {
                    last = redeemed.1.wait(last).unwrap();
                }
            }
        }
        for waker in wakers {
            waker.join().unwrap();
        }
    });
}

/// A wake-up that comes when the sleeper has gone (killed, out of time) gives a ticket that nobody
/// has any more, or none; it never gives the ticket of a later wait.
#[test]
fn a_late_wake_up_redeems_no_later_ticket() {
    loom::model(|| {
        let notice = Arc::new(Notice::new());
        let theirs = Arc::clone(&notice);
        assert_eq!(notice.prepare(1), Prepared::MaySleep);
        let waker = thread::spawn(move || theirs.notify());
        notice.clear(); // The time was over.
        let late = waker.join().unwrap();
        assert!(matches!(late, None | Some(1)));
        assert_eq!(notice.is_noted(), late.is_none());
        notice.clear();
        assert_eq!(notice.prepare(2), Prepared::MaySleep);
    });
}
