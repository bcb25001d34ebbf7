//! What a snapshot shows: every coroutine, what it waits for and since when, and the counts.

use std::hint::black_box;
use std::io::Read;
use std::time::Duration;

use crate::support::{crowd, on_each_hub, on_each_hub_jumping, pair, until, until_parked};
use eventlet_green::{
    Builder, DEFAULT_STACK_SIZE, Snapshot, State, Wait, call_after, now, offload, run_times, sleep,
    snapshot, spawn, spawn_after, stats, trim_stacks, yield_now,
};

const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn each_one_is_shown_as_it_is() {
    on_each_hub(|| {
        let (near, far) = pair();
        let named = Builder::new().name("sleeper");
        let line = line!() + 1;
        let sleeper = named.spawn(|| sleep(HOUR)).unwrap();
        let reader = spawn(move || (&near).read(&mut [0]).unwrap());
        until_parked(&sleeper);
        until_parked(&reader);
        let late = spawn_after(HOUR, || ());
        let new = spawn(|| ());

        let seen = snapshot();
        let ids: Vec<_> = seen.coroutines().iter().map(|one| one.id()).collect();
        assert_eq!(ids, [0, sleeper.id(), reader.id(), late.id(), new.id()]);
        let of = |id| {
            let one = seen.coroutine(id).unwrap();
            (one.state(), one.wait())
        };
        assert_eq!(of(0), (State::Running, Wait::Nothing));
        assert_eq!(of(sleeper.id()), (State::Parked, Wait::Sleep));
        assert!(matches!(of(reader.id()), (State::Parked, Wait::Read(_))));
        assert_eq!(of(late.id()), (State::Parked, Wait::Start));
        assert_eq!(of(new.id()), (State::New, Wait::Nothing));
        assert!(seen.coroutine(1_000_000).is_none());

        let root = seen.coroutine(0).unwrap();
        assert!(root.spawned_at().is_none() && root.stack_size().is_none());
        let one = seen.coroutine(sleeper.id()).unwrap();
        assert_eq!(one.name(), Some("sleeper"));
        assert_eq!(one.spawned_at().unwrap().line(), line);
        assert_eq!(one.stack_size(), Some(DEFAULT_STACK_SIZE));
        assert!(seen.coroutine(new.id()).unwrap().since().is_none());

        assert_eq!(seen.stats().coroutines, 4);
        assert_eq!(seen.stats().timers, 2);
        assert_eq!(seen.stats().descriptors, 2);
        let [first, last] = seen.timers() else {
            panic!("two timers");
        };
        assert!(first.left() <= last.left() && last.left() <= HOUR);
        assert!(first.what().contains("sleeper"), "{first:?}");
        assert_eq!(last.deadline(), seen.taken() + last.left());
        let Wait::Read(number) = of(reader.id()).1 else {
            unreachable!("compared above");
        };
        assert!(seen.descriptors().contains(&number));

        let text = seen.to_string();
        for part in [
            "2 descriptors, 2 timers",
            "\"sleeper\" (",
            &format!("snapshot.rs:{line}:"),
            "waits for the end of a sleep",
            "waits for data on descriptor",
            "the root stack",
            "of 256 KiB",
        ] {
            assert!(text.contains(part), "{text}\nlacks {part}");
        }
        // A head of three lines; one for each coroutine and timer; one for the descriptors.
        assert_eq!(text.lines().count(), 3 + 5 + 2 + 1, "{text}");

        drop(far);
        for handle in [sleeper, late] {
            handle.kill().unwrap();
            let _ = handle.join();
        }
        assert_eq!(reader.join().unwrap(), 0);
        new.join().unwrap();
    });
}

#[test]
fn since_when_is_the_beginning_of_the_turn() {
    on_each_hub_jumping(|clock| {
        sleep(SECOND);
        let began = now();
        let sleeper = spawn(|| {
            sleep(SECOND);
            sleep(HOUR);
        });
        until_parked(&sleeper);
        let waited = |seen: &Snapshot| seen.coroutine(sleeper.id()).unwrap().waited();
        let seen = snapshot();
        assert_eq!(seen.coroutine(sleeper.id()).unwrap().since(), Some(began));
        assert_eq!(waited(&seen), Some(Duration::ZERO));
        // The second wait, which began a second later.
        sleep(10 * SECOND);
        let seen = snapshot();
        assert_eq!(seen.taken(), now());
        assert_eq!(waited(&seen), Some(9 * SECOND));
        // What computes does not turn the loop; the time goes on.
        clock.advance(5 * SECOND);
        assert_eq!(waited(&snapshot()), Some(14 * SECOND));
        // A root that waits is shown, too.
        let looks = spawn(|| {
            sleep(SECOND);
            let seen = snapshot();
            let root = seen.coroutine(0).unwrap();
            (root.state(), root.wait(), root.waited())
        });
        let id = looks.id();
        let seen = looks.join().unwrap();
        assert_eq!(seen.0, State::Parked);
        assert_eq!(seen.1, Wait::Join(id));
        // The turn in which it began to wait may have begun before the clock was moved.
        let at_most = seen.2.unwrap();
        assert!((SECOND..=6 * SECOND).contains(&at_most), "{at_most:?}");
        sleeper.kill().unwrap();
        let _ = sleeper.join();
    });
}

/// Uses at least so much stack, and comes back.
fn use_stack(bytes: usize) {
    let top = 0_u8;
    deepen(std::ptr::from_ref(black_box(&top)).addr(), bytes);
}

#[inline(never)]
fn deepen(top: usize, bytes: usize) {
    let frame = [1_u8; 512];
    let used = top - std::ptr::from_ref(black_box(&frame)).addr();
    if used < bytes {
        deepen(top, bytes);
    }
    black_box(&frame);
}

#[test]
fn the_high_water_mark_is_what_was_touched() {
    on_each_hub(|| {
        let shallow = spawn(|| sleep(HOUR));
        let deep = spawn(|| {
            use_stack(100_000);
            sleep(HOUR);
        });
        let large = Builder::new().stack_size(4 << 20).spawn(|| {
            use_stack(1 << 20);
            sleep(HOUR);
        });
        let large = large.unwrap();
        for handle in [&shallow, &deep, &large] {
            until_parked(handle);
        }
        let seen = snapshot();
        let mark = |id| seen.coroutine(id).unwrap().stack_high_water();
        if mark(shallow.id()).is_none() {
            eprintln!("SKIPPED: this system does not tell which pages have memory (mincore)");
        } else {
            assert!((1..=32 * 1024).contains(&mark(shallow.id()).unwrap()));
            assert!((100_000..=DEFAULT_STACK_SIZE).contains(&mark(deep.id()).unwrap()));
            assert!((1 << 20..=4 << 20).contains(&mark(large.id()).unwrap()));
        }
        for handle in [shallow, deep, large] {
            handle.kill().unwrap();
            let _ = handle.join();
        }
        trim_stacks();
    });
}

#[test]
fn the_counters_count() {
    on_each_hub_jumping(|_| {
        let before = stats();
        sleep(SECOND);
        offload(|| ()).unwrap();
        let _ = call_after(SECOND, || ());
        spawn(yield_now).join().unwrap();
        sleep(2 * SECOND);
        let after = stats();
        // The one that was asked for, and that of the delayed call.
        assert_eq!(after.spawned, before.spawned + 2);
        assert_eq!(after.expired, before.expired + 3);
        assert_eq!(after.switches, before.switches + 3);
        assert!(after.turns > before.turns);
        assert!(after.wake_ups > before.wake_ups);
    });
}

/// Taken anywhere: by a coroutine, of itself; in a destructor while it unwinds.
#[test]
fn it_can_be_taken_anywhere() {
    on_each_hub(|| {
        struct Looks;

        impl Drop for Looks {
            fn drop(&mut self) {
                let seen = snapshot();
                assert!(
                    seen.coroutines()
                        .iter()
                        .any(|one| one.state() == State::Running)
                );
            }
        }

        let broken = spawn(|| {
            let _looks = Looks;
            panic!("broken");
        });
        let error = broken.join().unwrap_err();
        assert_eq!(error.panic_text(), Some("broken"));
    });
}

#[test]
fn many_are_shown() {
    on_each_hub(|| {
        let many = crowd(20_000);
        let handles: Vec<_> = (0..many).map(|_| spawn(|| sleep(HOUR))).collect();
        until(|| handles[many - 1].state() == State::Parked);
        let seen = snapshot();
        assert_eq!(seen.coroutines().len(), many + 1);
        // With the root, and the first of the timers.
        let text = seen.to_string();
        assert_eq!(text.lines().count(), 3 + many + 1 + 20 + 1);
        assert!(text.ends_with(&format!("and {} more timers", many - 20)));
        for handle in handles {
            handle.kill().unwrap();
            let _ = handle.join();
        }
        trim_stacks();
    });
}

#[test]
fn how_often_each_has_had_the_thread_is_counted_and_how_long_is_measured_on_demand() {
    on_each_hub(|| {
        let worker = || {
            spawn(|| {
                for _ in 0..2 {
                    black_box((0..10_000).map(black_box).sum::<u64>());
                    yield_now();
                }
            })
        };
        let unmeasured = worker();
        let id = unmeasured.id();
        yield_now();
        yield_now();
        let seen = snapshot();
        let seen = seen.coroutine(id).unwrap();
        assert_eq!((seen.resumed(), seen.ran()), (2, Duration::ZERO));
        unmeasured.join().unwrap();

        let (first, second) = (run_times(), run_times());
        let measured = worker();
        let ran = || snapshot().coroutine(measured.id()).unwrap().ran();
        yield_now();
        let once = ran();
        assert!(once > Duration::ZERO);
        // One of those who want to know is left.
        drop(first);
        yield_now();
        let twice = ran();
        assert!(twice > once);
        drop(second);
        measured.join().unwrap();
    });
}
