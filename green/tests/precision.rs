//! The only tests by real time: never early, and not absurdly late.

mod support;

use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use eventlet_green::{call_after, sleep, spawn, stats, timeout};
use support::{on_each_hub, pair};

/// Late is what a loaded machine makes of it; this only tells it from "never".
const ABSURD: Duration = Duration::from_secs(20);

#[track_caller]
fn assert_took(start: Instant, least: Duration) {
    let took = start.elapsed();
    assert!(took >= least, "{took:?} is early for {least:?}");
    assert!(took < least + ABSURD, "{took:?} is late for {least:?}");
}

#[test]
fn a_sleep_is_never_short() {
    on_each_hub(|| {
        for micros in [1, 10, 500, 999, 1000, 1001, 20_000] {
            let length = Duration::from_micros(micros);
            let start = Instant::now();
            sleep(length);
            assert_took(start, length);
        }
    });
}

#[test]
fn sleeps_overlap() {
    on_each_hub(|| {
        let length = Duration::from_millis(50);
        let start = Instant::now();
        let handles: Vec<_> = (0..500).map(|_| spawn(move || sleep(length))).collect();
        for handle in handles {
            handle.join().unwrap();
        }
        assert_took(start, length);
    });
}

#[test]
fn limits_are_kept() {
    on_each_hub(|| {
        let length = Duration::from_millis(20);
        let (near, _far) = pair();
        near.set_read_timeout(Some(length)).unwrap();
        let start = Instant::now();
        assert_eq!(
            (&near).read(&mut [0]).unwrap_err().kind(),
            ErrorKind::TimedOut
        );
        assert_took(start, length);
        near.set_read_timeout(None).unwrap();
        let start = Instant::now();
        timeout(length, || (&near).read(&mut [0]).map(drop)).unwrap_err();
        assert_took(start, length);
    });
}

/// While nothing happens, the loop does not turn: it is in the hub's wait all the time.
#[test]
fn nothing_to_do_is_nothing_done() {
    on_each_hub(|| {
        let (near, _far) = pair();
        let reader = spawn(move || (&near).read(&mut [0]).map(drop));
        let _ = call_after(Duration::from_secs(3600), || ()).cancel();
        support::until_parked(&reader);
        // What the fresh sockets had to report is reported.
        sleep(Duration::from_millis(1));
        let before = stats();
        sleep(Duration::from_millis(200));
        let after = stats();
        let asked = (after.waits - before.waits) + (after.polls - before.polls);
        assert!(asked <= 3, "the hub was asked {asked} times");
        reader.kill().unwrap();
        reader.join().map(drop).unwrap_err();
    });
}
