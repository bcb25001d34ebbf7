//! The stack of any coroutine, taken without disturbing it.

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::io::Read;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::support::{on_each_hub, on_each_hub_jumping, on_fresh_thread, pair, until_parked};
use eventlet_green::context::{Context, register};
use eventlet_green::sync::Semaphore;
use eventlet_green::{
    BacktraceError, Builder, Deadlock, DeadlockDetail, JoinError, JoinHandle, MIN_STACK_SIZE,
    ParkError, Setup, StackTrace, State, Wait, backtrace, current_id, hubs, now, offload, sleep,
    snapshot, spawn, spawn_after, stats, timeout, yield_now,
};

const HOUR: Duration = Duration::from_secs(3600);

#[inline(never)]
fn deep_in_the_sleeper(duration: Duration) {
    sleep(duration);
    black_box(());
}

#[inline(never)]
fn deep_in_the_reader(stream: eventlet_green::net::TcpStream) -> usize {
    let count = (&stream).read(&mut [0]).unwrap();
    black_box(count)
}

fn shown(id: u64) -> String {
    backtrace(id).unwrap().to_string()
}

/// Takes the stack several times, and checks that it has the function, and nothing of who looks.
#[track_caller]
fn look(id: u64, has: &str) {
    for _ in 0..3 {
        let text = shown(id);
        assert!(text.contains(has), "{text} lacks {has}");
        assert!(!text.contains("backtrace::look"), "{text} shows who looks");
    }
}

#[test]
fn a_parked_one_is_seen_where_it_waits_and_goes_on() {
    on_each_hub_jumping(|_| {
        let handle = spawn(|| deep_in_the_sleeper(HOUR));
        until_parked(&handle);
        let began = now();
        look(handle.id(), "deep_in_the_sleeper");
        assert_eq!(handle.state(), State::Parked);
        assert_eq!(handle.waits_for(), Wait::Sleep);
        handle.join().unwrap();
        // Neither sooner nor later.
        assert!(now() - began >= HOUR - Duration::from_secs(1));
        assert!(now() - began <= HOUR);
    });
}

#[test]
fn by_whom_it_is_taken_does_not_show() {
    on_each_hub_jumping(|_| {
        let handle = spawn(|| deep_in_the_sleeper(HOUR));
        until_parked(&handle);
        let id = handle.id();

        #[inline(never)]
        fn somebody_else(id: u64) -> String {
            black_box(shown(id))
        }

        // In another coroutine, whose frames lie below while it is looked at.
        let text = spawn(move || somebody_else(id)).join().unwrap();
        assert!(text.contains("deep_in_the_sleeper"), "{text}");
        for stranger in ["somebody_else", "coroutine_func", "leave_frames", "RunLoop"] {
            assert!(!text.contains(stranger), "{text} has {stranger}");
        }
        assert!(text.trim_start().starts_with("0: "), "{text}");
        let taken = backtrace(id).unwrap();
        assert!(taken.everything().to_string().contains("leave_frames"));
        assert_eq!(
            taken.label(),
            format!("coroutine (#{id}, spawned at {})", handle.spawned_at())
        );
        handle.join().unwrap();
    });
}

#[test]
fn a_ready_one_and_one_that_has_been_woken() {
    on_each_hub(|| {
        #[inline(never)]
        fn yields_and_goes_on() {
            yield_now();
            black_box(());
        }

        let handle = spawn(yields_and_goes_on);
        yield_now();
        assert_eq!(handle.state(), State::Ready);
        look(handle.id(), "yields_and_goes_on");
        handle.join().unwrap();

        // Woken, but it has not gone on yet.
        let permits = Semaphore::new(1);
        let taken = permits.acquire().unwrap();
        let theirs = permits.clone();
        let handle = spawn(move || theirs.acquire().is_ok());
        until_parked(&handle);
        drop(taken);
        assert_eq!(handle.state(), State::Ready);
        look(handle.id(), "Semaphore");
        assert!(handle.join().unwrap());
    });
}

#[test]
fn wake_ups_that_come_meanwhile_are_not_lost() {
    on_each_hub(|| {
        let (near, far) = pair();
        let reader = spawn(move || deep_in_the_reader(near));
        until_parked(&reader);
        look(reader.id(), "deep_in_the_reader");
        drop(far);
        look(reader.id(), "deep_in_the_reader");
        assert_eq!(reader.join().unwrap(), 0);

        // From another thread.
        let waits = spawn(|| offload(|| 7).unwrap());
        while !waits.is_finished() {
            match backtrace(waits.id()) {
                Ok(_) | Err(BacktraceError::NotStarted) => yield_now(),
                Err(error) => assert!(waits.is_finished(), "{error}"),
            }
        }
        assert_eq!(waits.join().unwrap(), 7);
    });
}

#[test]
fn one_that_has_not_run_yet_has_none() {
    on_each_hub_jumping(|_| {
        let new = spawn(|| 7);
        let late = spawn_after(HOUR, || 8);
        for id in [new.id(), late.id()] {
            assert_eq!(backtrace(id).unwrap_err(), BacktraceError::NotStarted);
        }
        let killed = spawn(|| unreachable!("killed before it runs"));
        killed.kill().unwrap();
        assert_eq!(
            backtrace(killed.id()).unwrap_err(),
            BacktraceError::NotStarted
        );
        assert_eq!(new.join().unwrap(), 7);
        assert_eq!(late.join().unwrap(), 8);
        assert!(matches!(killed.join(), Err(JoinError::Killed)));
    });
}

#[test]
fn one_that_there_is_not() {
    on_each_hub(|| {
        let handle = spawn(|| ());
        let id = handle.id();
        handle.join().unwrap();
        for id in [id, 1_000_000] {
            let error = backtrace(id).unwrap_err();
            assert_eq!(error, BacktraceError::NoSuchCoroutine);
            assert!(error.to_string().contains("no coroutine"));
        }
    });
}

#[test]
fn itself() {
    on_each_hub(|| {
        #[inline(never)]
        fn looks_at_itself() -> String {
            black_box(shown(current_id()))
        }

        let text = spawn(looks_at_itself).join().unwrap();
        assert!(text.contains("looks_at_itself"), "{text}");
        assert!(!text.contains("RunLoop"), "{text}");
    });
}

#[test]
fn the_root_from_within_and_from_a_coroutine() {
    on_each_hub(|| {
        #[inline(never)]
        fn the_root_waits(handle: JoinHandle<String>) -> String {
            black_box(handle.join().unwrap())
        }

        #[inline(never)]
        fn looks_at_the_root() -> String {
            black_box(shown(0))
        }

        assert!(looks_at_the_root().contains("looks_at_the_root"));
        if cfg!(feature = "engine-may") {
            // It is on a stack that this crate did not make.
            let refused = spawn(|| backtrace(0).map(drop)).join().unwrap();
            return assert_eq!(refused, Err(BacktraceError::Unsupported));
        }
        let text = the_root_waits(spawn(looks_at_the_root));
        assert!(text.contains("the_root_waits"), "{text}");
        // As a function; where names have their type parameters, frames of the caller name it as well.
        let is_there = text
            .lines()
            .any(|line| line.trim_end().ends_with("looks_at_the_root"));
        assert!(!is_there, "{text}");
        assert_eq!(backtrace(0).unwrap().label(), "the root stack");
    });
}

#[test]
fn a_killed_one_that_has_not_unwound_yet() {
    on_each_hub(|| {
        let unwound = Rc::new(Cell::new(false));
        struct Unwound(Rc<Cell<bool>>);
        impl Drop for Unwound {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let guard = Unwound(Rc::clone(&unwound));
        let handle = spawn(move || {
            let _guard = guard;
            deep_in_the_sleeper(HOUR);
        });
        until_parked(&handle);
        handle.kill().unwrap();
        look(handle.id(), "deep_in_the_sleeper");
        assert!(!unwound.get());
        assert!(matches!(handle.join(), Err(JoinError::Killed)));
        assert!(unwound.get());
    });
}

#[test]
fn an_expired_scope_is_raised_after_it() {
    on_each_hub_jumping(|_| {
        let handle = spawn(|| {
            let late = timeout(Duration::from_secs(1), || deep_in_the_sleeper(HOUR));
            late.unwrap_err().is_elapsed()
        });
        until_parked(&handle);
        look(handle.id(), "deep_in_the_sleeper");
        assert!(handle.join().unwrap());
    });
}

#[test]
fn contexts_and_counters_see_nothing_of_it() {
    struct Counts(Rc<RefCell<Vec<&'static str>>>);

    impl Context for Counts {
        fn swap_in(&self) {
            self.0.borrow_mut().push("in");
        }
        fn swap_out(&self) {
            self.0.borrow_mut().push("out");
        }
    }

    on_each_hub(|| {
        let calls = Rc::default();
        let theirs = Rc::clone(&calls);
        let handle = spawn(move || {
            register(Rc::new(Counts(theirs))).unwrap();
            deep_in_the_sleeper(HOUR);
        });
        until_parked(&handle);
        let (before, since) = (stats(), snapshot().coroutine(handle.id()).unwrap().since());
        look(handle.id(), "deep_in_the_sleeper");
        assert_eq!(*calls.borrow(), ["in", "out"]);
        assert_eq!(stats(), before);
        assert_eq!(snapshot().coroutine(handle.id()).unwrap().since(), since);
        handle.kill().unwrap();
        assert!(handle.join().is_err());
    });
}

/// In a destructor while a panic unwinds, others can be looked at; their own panics are their own.
#[test]
fn while_the_caller_unwinds() {
    on_each_hub(|| {
        struct Looks(u64, Rc<Cell<bool>>);

        impl Drop for Looks {
            fn drop(&mut self) {
                self.1.set(shown(self.0).contains("deep_in_the_sleeper"));
            }
        }

        let sleeper = spawn(|| deep_in_the_sleeper(HOUR));
        until_parked(&sleeper);
        let saw = Rc::new(Cell::new(false));
        let looks = Looks(sleeper.id(), Rc::clone(&saw));
        let broken = spawn(move || {
            let _looks = looks;
            panic!("broken");
        });
        assert!(broken.join().is_err());
        assert!(saw.get());
        sleeper.kill().unwrap();
        assert!(sleeper.join().is_err());
    });
}

/// One with next to nothing left of its stack is not looked at, which would overflow it.
#[test]
fn one_with_a_full_stack_is_refused() {
    #[inline(never)]
    fn fill(left: usize, top: usize, waits: &dyn Fn()) {
        let here = [0_u8; 64];
        let used = top - std::ptr::from_ref(black_box(&here)).addr();
        if used < left {
            fill(left, top, waits);
        } else {
            waits();
        }
        black_box(&here);
    }

    on_each_hub(|| {
        // The engine `may` has frames of its own there, and knows the end up to a page.
        let (size, deeper) = if cfg!(feature = "engine-may") {
            (2 * MIN_STACK_SIZE, 26)
        } else {
            (MIN_STACK_SIZE, 0)
        };
        let refused = [1_usize, 3, 5, 7, 8, 9].map(|used| {
            let body = move || {
                let top = 0_u8;
                let top = std::ptr::from_ref(black_box(&top)).addr();
                fill((used + deeper) * 1024, top, &|| sleep(HOUR));
            };
            let handle = Builder::new().stack_size(size).spawn(body).unwrap();
            until_parked(&handle);
            let refused = match backtrace(handle.id()) {
                Ok(stack) => {
                    assert!(stack.to_string().contains("fill"));
                    false
                }
                Err(error) => error == BacktraceError::StackTooFull,
            };
            handle.kill().unwrap();
            assert!(handle.join().is_err());
            refused
        });
        assert!(!refused[0], "there is room");
        assert!(refused[5], "there is none");
    });
}

#[test]
fn a_deadlock_shows_them_where_asked() {
    for hub in hubs() {
        let _watchdog = crate::support::Watchdog::new(hub);
        on_fresh_thread(|| {
            Setup::new()
                .hub(hub)
                .deadlock_detail(DeadlockDetail::Stacks)
                .install()
                .unwrap();

            #[inline(never)]
            fn waits_for_ever(permits: Semaphore) {
                let _ = black_box(permits.acquire());
            }

            let permits = Semaphore::new(0);
            let theirs = permits.clone();
            let stuck = spawn(move || waits_for_ever(theirs));
            #[inline(never)]
            fn the_root_waits(permits: &Semaphore) -> Arc<Deadlock> {
                match black_box(permits.acquire()) {
                    Err(ParkError::Deadlock(report)) => report,
                    other => panic!("no deadlock: {other:?}"),
                }
            }

            let report = the_root_waits(&permits);
            let [waiter] = report.waiters() else {
                panic!("one waits");
            };
            let has = |stack: Option<&StackTrace>, function| {
                let text = stack.unwrap().to_string();
                assert!(text.contains(function), "{text} lacks {function}");
            };
            has(waiter.stack(), "waits_for_ever");
            has(report.root_stack(), "the_root_waits");
            assert!(!report.to_string().contains("waits_for_ever"));
            assert!(format!("{report:#}").contains("waits_for_ever"));
            stuck.kill().unwrap();
            assert!(stuck.join().is_err());
        });
    }
}
