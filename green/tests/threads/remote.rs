//! Reaching a loop from other threads.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::support::{
    Watchdog, assert_success, is_child, on_each_hub, on_each_hub_jumping, run_child, stderr, until,
    until_parked,
};
use eventlet_green::sync::Semaphore;
use eventlet_green::{
    Builder, JoinError, ParkError, Remote, RemoteHandle, RemoteJoinTimeoutError, Wait, block_on,
    cross, remote, sleep, spawn, stats, timeout, use_hub, yield_now,
};

const HOUR: Duration = Duration::from_secs(3600);
const MOMENT: Duration = Duration::from_millis(1);

/// A thread with a loop that turns until the guard is dropped.
struct Elsewhere {
    remote: Remote,
    _stop: cross::Sender<()>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Elsewhere {
    /// On the hub of the caller.
    fn start() -> Self {
        let hub = stats().hub;
        let (stop, stopped) = cross::bounded::<()>(0);
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            use_hub(hub).unwrap();
            tell.send(remote()).unwrap();
            assert!(stopped.recv().unwrap_err().is_closed());
        });
        Elsewhere {
            remote: told.recv().unwrap(),
            _stop: stop,
            thread: Some(thread),
        }
    }

    fn spawn<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> RemoteHandle<T> {
        self.remote.spawn(f).unwrap()
    }

    fn end(mut self) {
        let thread = self.thread.take().unwrap();
        drop(self);
        thread.join().unwrap();
    }
}

#[test]
fn it_runs_there_and_the_result_comes_back() {
    on_each_hub(|| {
        let elsewhere = Elsewhere::start();
        let there = elsewhere.spawn(|| thread::current().id());
        assert_ne!(there.join().unwrap(), thread::current().id());
        // In a coroutine: the others of this thread go on meanwhile.
        let (go_on, told) = mpsc::channel();
        let waits = elsewhere.spawn(move || {
            told.recv().unwrap();
            "through"
        });
        assert!(waits.spawned_at().file().ends_with("remote.rs"));
        let joiner = spawn(move || waits.join().unwrap());
        until_parked(&joiner);
        assert!(matches!(joiner.waits_for(), Wait::RemoteJoin(_)));
        go_on.send(()).unwrap();
        assert_eq!(joiner.join().unwrap(), "through");
        elsewhere.end();
    });
}

#[test]
fn from_a_thread_that_has_no_loop() {
    on_each_hub(|| {
        let home = remote();
        let (done, ended) = cross::bounded(0);
        let plain = thread::spawn(move || {
            let handle = home.spawn(|| spawn(|| 7).join().unwrap()).unwrap();
            assert_eq!(handle.join().unwrap(), 7);
            let sleeper = home.spawn(|| sleep(HOUR)).unwrap();
            let Err(RemoteJoinTimeoutError::Elapsed(sleeper)) = sleeper.join_timeout(MOMENT) else {
                panic!("an hour is not over in a moment");
            };
            assert!(sleeper.kill().unwrap());
            assert!(matches!(sleeper.join(), Err(JoinError::Killed)));
            // It has got no loop by that.
            eventlet_green::Setup::new().install().unwrap();
            done.send(()).unwrap();
        });
        ended.recv().unwrap();
        plain.join().unwrap();
    });
}

#[test]
fn in_the_order_of_sending() {
    on_each_hub(|| {
        let elsewhere = Elsewhere::start();
        let (note, noted) = mpsc::channel();
        let handles: Vec<_> = (0..1000)
            .map(|number| {
                let note = note.clone();
                elsewhere.spawn(move || note.send(number).unwrap())
            })
            .collect();
        for handle in handles {
            handle.join().unwrap();
        }
        assert!(noted.try_iter().eq(0..1000));
        elsewhere.end();
    });
}

#[test]
fn a_panic_comes_back() {
    on_each_hub(|| {
        let elsewhere = Elsewhere::start();
        let broken = elsewhere.spawn(|| panic!("over there"));
        let error = broken.join().unwrap_err();
        assert_eq!(error.panic_text(), Some("over there"));
        assert_eq!(elsewhere.spawn(|| 7).join().unwrap(), 7);
        elsewhere.end();
    });
}

#[test]
fn a_panic_that_nobody_joins_is_reported_once() {
    if is_child() {
        let _watchdog = Watchdog::new("child");
        std::panic::set_hook(Box::new(|_| {}));
        let elsewhere = Elsewhere::start();
        // Dropped before it ends, and after.
        let (go_on, told) = mpsc::channel::<()>();
        let early = elsewhere.spawn(move || {
            told.recv().unwrap();
            panic!("early");
        });
        drop(early);
        go_on.send(()).unwrap();
        let late = elsewhere.spawn(|| panic!("late"));
        while !late.is_finished() {
            thread::yield_now();
        }
        drop(late);
        elsewhere.end();
        return;
    }
    let output = run_child(
        "threads::remote::a_panic_that_nobody_joins_is_reported_once",
        "poll",
    );
    assert_success(&output);
    let text = stderr(&output);
    assert_eq!(text.lines().count(), 2, "{text}");
    for part in [
        "nobody joins it: early",
        "nobody joins it: late",
        "remote.rs:",
    ] {
        assert!(text.contains(part), "{text} lacks {part}");
    }
}

#[test]
fn settings() {
    on_each_hub(|| {
        let home = remote();
        let named = Builder::new().name("named").stack_size(1 << 20);
        let handle = home.spawn_with(named, || 7).unwrap();
        assert_eq!(handle.join().unwrap(), 7);
        let much = Builder::new().stack_size(usize::MAX);
        let refused = home.spawn_with(much, || 7).unwrap().join();
        assert!(
            matches!(refused, Err(JoinError::NotStarted(_))),
            "{refused:?}"
        );
    });
}

#[test]
fn killed_in_every_state() {
    on_each_hub(|| {
        let elsewhere = Elsewhere::start();
        // Before its first turn: its loop is held up until the kill is there, too.
        let (go_on, told) = mpsc::channel::<()>();
        let holds_up = elsewhere.spawn(move || told.recv().unwrap());
        let ran = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&ran);
        let unborn = elsewhere.spawn(move || theirs.fetch_add(1, Ordering::SeqCst));
        assert!(unborn.kill().unwrap());
        go_on.send(()).unwrap();
        holds_up.join().unwrap();
        assert!(matches!(unborn.join(), Err(JoinError::Killed)));
        assert_eq!(ran.load(Ordering::SeqCst), 0);
        // Waiting.
        let (tell, told) = cross::bounded(0);
        let sleeper = elsewhere.spawn(move || {
            tell.send(()).unwrap();
            sleep(HOUR);
        });
        told.recv().unwrap();
        assert!(sleeper.kill().unwrap());
        assert!(sleeper.kill().is_ok(), "twice is as good as once");
        assert!(matches!(sleeper.join(), Err(JoinError::Killed)));
        // Finished.
        let finished = elsewhere.spawn(|| 7);
        until(|| finished.is_finished());
        assert!(!finished.kill().unwrap());
        assert_eq!(finished.join().unwrap(), 7);
        elsewhere.end();
    });
}

#[test]
fn a_joiner_that_is_killed_or_out_of_time() {
    on_each_hub(|| {
        let elsewhere = Elsewhere::start();
        let (go_on, told) = cross::bounded::<()>(0);
        let waits = elsewhere.spawn(move || told.recv().map_err(drop));
        let Err(RemoteJoinTimeoutError::Elapsed(waits)) = waits.join_timeout(MOMENT) else {
            panic!("nobody has told it to go on");
        };
        let late = timeout(MOMENT, || waits.join());
        assert!(late.unwrap_err().is_elapsed());
        let never = elsewhere.spawn(|| sleep(HOUR));
        let joiner = spawn(move || never.join());
        until_parked(&joiner);
        joiner.kill().unwrap();
        assert!(matches!(joiner.join(), Err(JoinError::Killed)));
        go_on.send(()).unwrap();
        elsewhere.end();
    });
}

#[test]
fn when_the_loop_is_gone_the_closure_comes_back() {
    on_each_hub(|| {
        let elsewhere = Elsewhere::start();
        let there = elsewhere.remote.clone();
        let (begun, begins) = mpsc::channel();
        let ended_with_it = elsewhere.spawn(move || {
            begun.send(()).unwrap();
            sleep(HOUR);
        });
        begins.recv().unwrap();
        elsewhere.end();
        assert!(there.is_gone());
        let text = String::from("precious");
        let refused = there.spawn(move || text).unwrap_err();
        assert_eq!(refused.to_string(), "the loop has ended with its thread");
        assert_eq!((refused.0)(), "precious");
        assert!(!ended_with_it.kill().unwrap());
        assert!(matches!(ended_with_it.join(), Err(JoinError::Killed)));
    });
}

/// What is on its way when the loop ends: the handle says so, and what was sent is dropped.
#[test]
fn an_order_that_comes_too_late() {
    on_each_hub(|| {
        let hub = stats().hub;
        let (tell, told) = mpsc::channel();
        let (go_on, goes_on) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            use_hub(hub).unwrap();
            tell.send(remote()).unwrap();
            // Not a wait of a coroutine: the loop gets to nothing.
            goes_on.recv().unwrap();
        });
        let there = told.recv().unwrap();
        let sent = Arc::new(());
        let theirs = Arc::clone(&sent);
        let handle = there.spawn(move || drop(theirs)).unwrap();
        go_on.send(()).unwrap();
        assert!(matches!(handle.join(), Err(JoinError::LoopGone)));
        thread.join().unwrap();
        assert_eq!(Arc::strong_count(&sent), 1);
    });
}

#[test]
fn on_ones_own_loop_and_ones_own_end() {
    on_each_hub(|| {
        let home = remote();
        assert!(home.is_here());
        assert_eq!(home.spawn(|| 7).unwrap().join().unwrap(), 7);
        // Joined, and awaited.
        type Way = fn(RemoteHandle<()>) -> Result<(), JoinError>;
        let ways: [Way; 2] = [RemoteHandle::join, |own| block_on(own).unwrap()];
        for wait in ways {
            let (give, given) = cross::bounded(1);
            let refused = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&refused);
            let handle = home
                .spawn(move || {
                    let outcome = wait(given.recv().unwrap());
                    assert!(matches!(outcome, Err(JoinError::Itself)));
                    counted.fetch_add(1, Ordering::Relaxed);
                })
                .unwrap();
            give.send(handle).unwrap();
            until(|| refused.load(Ordering::Relaxed) == 1);
        }
        until(|| stats().coroutines == 0);
    });
}

#[test]
fn a_remote_keeps_a_root_waiting_that_nothing_else_could_wake() {
    on_each_hub(|| {
        let none = Semaphore::new(0);
        let given = none.clone();
        let home = remote();
        thread::scope(|scope| {
            let (tell, told) = mpsc::channel();
            scope.spawn(move || {
                told.recv().unwrap();
                // Only now is the root surely waiting, or about to.
                home.spawn(|| ()).unwrap().join().unwrap();
                let waking = home.spawn(|| ()).unwrap();
                drop(home);
                waking.join().unwrap();
            });
            tell.send(()).unwrap();
            // As the last way to this loop goes, it is told.
            let refused = none.acquire().unwrap_err();
            assert!(matches!(refused, ParkError::Deadlock(_)), "{refused}");
        });
        drop(given);
    });
}

/// Nor is one told while another thread could still kill somebody here; but while it joins, it
/// cannot.
#[test]
fn a_handle_is_hope_until_it_is_joined() {
    on_each_hub(|| {
        let elsewhere = Elsewhere::start();
        let home = remote();
        let stuck = home
            .spawn(|| Semaphore::new(0).acquire().map(drop).is_err())
            .unwrap();
        drop(home);
        let outer = elsewhere.spawn(move || {
            assert!(stuck.kill().unwrap());
            matches!(stuck.join(), Err(JoinError::Killed))
        });
        assert!(outer.join().unwrap());
        elsewhere.end();
    });
}

#[test]
fn a_closure_may_use_what_belongs_to_its_thread() {
    thread_local! {
        static COUNT: Cell<u32> = const { Cell::new(0) };
    }
    on_each_hub(|| {
        COUNT.set(0);
        let elsewhere = Elsewhere::start();
        let home = remote();
        let outer = elsewhere.spawn(move || {
            COUNT.set(1000);
            for _ in 0..10 {
                let counts = || COUNT.set(COUNT.get() + 1);
                home.spawn(counts).unwrap().join().unwrap();
            }
        });
        outer.join().unwrap();
        assert_eq!(COUNT.get(), 10);
        elsewhere.end();
    });
}

/// Both wait for each other's coroutines, which go on all the same.
#[test]
fn two_loops_serve_each_other() {
    on_each_hub(|| {
        let elsewhere = Elsewhere::start();
        let (home, there) = (remote(), elsewhere.remote.clone());
        let sum = Rc::new(Cell::new(0));
        let workers: Vec<_> = (0..10)
            .map(|number| {
                let (home, there) = (home.clone(), there.clone());
                let sum = Rc::clone(&sum);
                spawn(move || {
                    for _ in 0..100 {
                        let home = home.clone();
                        let back = move || home.spawn(move || number).unwrap().join().unwrap();
                        let number = there.spawn(back).unwrap().join().unwrap();
                        sum.set(sum.get() + number);
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(sum.get(), 45 * 100);
        elsewhere.end();
    });
}

#[test]
fn awaited() {
    on_each_hub(|| {
        let elsewhere = Elsewhere::start();
        let slow = elsewhere.spawn(|| {
            yield_now();
            7
        });
        assert_eq!(block_on(slow).unwrap().unwrap(), 7);
        let broken = elsewhere.spawn(|| panic!("no luck"));
        let error = block_on(async { broken.await.unwrap_err() }).unwrap();
        assert_eq!(error.panic_text(), Some("no luck"));
        // By another executor, too.
        let (home, order) = (remote(), RefCell::new(Vec::new()));
        let plain = thread::spawn(move || {
            let handle = home.spawn(|| 8).unwrap();
            futures_lite::future::block_on(handle.into_future()).unwrap()
        });
        until(|| plain.is_finished());
        order.borrow_mut().push(plain.join().unwrap());
        assert_eq!(*order.borrow(), [8]);
        elsewhere.end();
    });
}

#[test]
fn nothing_is_short_of_an_hour_by_a_jumping_clock() {
    on_each_hub_jumping(|_| {
        let home = remote();
        let handle = home.spawn(|| sleep(HOUR)).unwrap();
        handle.join().unwrap();
        drop(home);
    });
}
