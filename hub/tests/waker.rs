//! Wakers without a hub: coalescing, readability of the descriptor, life after the source; a bell of a
//! facility's own.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use eventlet_hub::{Bell, BellTower, WakeSource, Waker};

/// Whether a read of the source's descriptor would find something.
fn is_signalled(source: &WakeSource) -> bool {
    let mut file = std::fs::File::from(source.as_fd().try_clone_to_owned().expect("dup"));
    std::io::Read::read(&mut file, &mut [0; 8]).is_ok()
}

#[test]
fn a_wake_makes_the_descriptor_readable_until_acknowledged() {
    let source = WakeSource::new().expect("source");
    assert!(!is_signalled(&source));
    source.waker().wake();
    assert!(is_signalled(&source));
    source.waker().wake();
    assert!(
        !is_signalled(&source),
        "the second wake signals nothing new"
    );
    assert!(source.acknowledge());
    source.waker().wake();
    assert!(is_signalled(&source));
}

#[test]
fn acknowledging_leaves_nothing_behind() {
    let source = WakeSource::new().expect("source");
    for _ in 0..3 {
        source.waker().wake();
        assert!(source.acknowledge());
        assert!(!is_signalled(&source));
        assert!(!source.acknowledge());
    }
}

#[test]
fn each_edge_acknowledgement_lets_the_next_wake_signal() {
    let source = WakeSource::new().expect("source");
    // More wake-ups than a pipe holds bytes.
    for _ in 0..100_000 {
        source.waker().wake();
        assert!(source.acknowledge_edge());
    }
    source.waker().wake();
    assert!(is_signalled(&source));
}

#[test]
fn it_outlives_its_source() {
    let source = WakeSource::new().expect("source");
    let waker = source.waker();
    drop(source);
    waker.wake();
    assert!(waker.clone().will_wake(&waker));
}

#[test]
fn what_was_done_before_a_wake_is_seen_after_its_acknowledgement() {
    const WAKES: usize = 20_000;
    static DONE: AtomicUsize = AtomicUsize::new(0);
    let source = WakeSource::new().expect("source");
    let waker: Waker = source.waker();
    let thread = std::thread::spawn(move || {
        for count in 1..=WAKES {
            DONE.store(count, Ordering::Relaxed);
            waker.wake();
        }
    });
    // The last wake is never swallowed by an acknowledgement that saw less than everything.
    let mut seen = 0;
    while seen < WAKES {
        if source.acknowledge() {
            seen = DONE.load(Ordering::Relaxed);
        } else {
            std::thread::yield_now();
        }
    }
    thread.join().expect("the thread ends");
}

#[test]
fn the_debug_forms_say_whether_a_wake_is_pending() {
    let source = WakeSource::new().expect("source");
    assert!(format!("{:?}", source.waker()).contains("pending: false"));
    source.waker().wake();
    assert!(format!("{source:?}").contains("pending: true"));
}

/// Counts its strokes, and meddles with `errno`, as a system call may.
#[derive(Default)]
struct Strokes(AtomicUsize);

impl Bell for Strokes {
    fn ring(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        // Fails, and says so in `errno`.
        std::fs::metadata("/nowhere/at/all").expect_err("there is no such file");
    }
}

#[test]
fn a_bell_is_rung_once_until_acknowledged_and_leaves_errno_alone() {
    let tower = BellTower::new(Strokes::default());
    let waker = tower.waker();
    std::fs::read_dir("/dev/null").expect_err("no directory");
    let before = std::io::Error::last_os_error().raw_os_error();
    for strokes in 1..=3 {
        waker.wake();
        waker.clone().wake();
        assert_eq!(tower.bell().0.load(Ordering::Relaxed), strokes);
        assert!(tower.acknowledge());
        assert!(!tower.acknowledge());
    }
    let after = std::io::Error::last_os_error().raw_os_error();
    assert_eq!(before, after);
    assert_eq!(after, Some(libc::ENOTDIR));
}

#[test]
fn a_bell_outlives_its_tower() {
    let tower = BellTower::new(Strokes::default());
    let waker = tower.waker();
    assert!(!waker.will_wake(&BellTower::new(Strokes::default()).waker()));
    assert!(waker.will_wake(&tower.waker()));
    drop(tower);
    waker.wake();
}
