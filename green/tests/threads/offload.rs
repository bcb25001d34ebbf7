//! Blocking calls on other threads.

use std::cell::Cell;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use crate::support::{
    Watchdog, assert_success, child_command, crowd, is_child, on_each_hub, on_each_hub_jumping,
    until_parked,
};
use eventlet_green::{
    JoinError, MAX_THREADS, OFFLOAD_VARIABLE, OffloadPool, Wait, offload, offload_timeout, sleep,
    spawn, stats, timeout, yield_now,
};

#[test]
fn others_go_on_meanwhile() {
    on_each_hub(|| {
        let (go_on, told) = mpsc::channel();
        let caller = spawn(move || offload(move || told.recv().unwrap()).unwrap());
        until_parked(&caller);
        assert_eq!(caller.waits_for(), Wait::Offload);
        let steps = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&steps);
        let other = spawn(move || {
            for _ in 0..10 {
                theirs.set(theirs.get() + 1);
                yield_now();
            }
        });
        other.join().unwrap();
        go_on.send("answer").unwrap();
        assert_eq!(caller.join().unwrap(), "answer");
    });
}

#[test]
fn it_is_another_thread() {
    on_each_hub(|| {
        let here = thread::current().id();
        assert_ne!(offload(|| thread::current().id()).unwrap(), here);
    });
}

#[test]
fn many_more_calls_than_threads() {
    static AT_ONCE: AtomicUsize = AtomicUsize::new(0);
    on_each_hub(|| {
        let most = Arc::new(AtomicUsize::new(0));
        let handles: Vec<_> = (0..20 * MAX_THREADS)
            .map(|number| {
                let most = Arc::clone(&most);
                spawn(move || {
                    offload(move || {
                        let now = AT_ONCE.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        thread::yield_now();
                        AT_ONCE.fetch_sub(1, Ordering::SeqCst);
                        number
                    })
                    .unwrap()
                })
            })
            .collect();
        for (handle, number) in handles.into_iter().zip(0..) {
            assert_eq!(handle.join().unwrap(), number);
        }
        assert!(most.load(Ordering::SeqCst) <= MAX_THREADS);
    });
}

#[test]
fn a_panic_goes_on_in_the_caller() {
    on_each_hub(|| {
        let caller = spawn(|| offload(|| panic!("over there")).unwrap());
        let error = caller.join().unwrap_err();
        assert_eq!(error.panic_text(), Some("over there"));
        let payload = catch_unwind(|| offload(|| std::panic::panic_any(7_u8)).unwrap());
        assert_eq!(payload.unwrap_err().downcast_ref(), Some(&7_u8));
        assert_eq!(offload(|| "goes on").unwrap(), "goes on");
    });
}

/// In a pool with one thread, calls are made in the order of asking.
#[test]
fn first_come_first_served() {
    on_each_hub(|| {
        let pool = OffloadPool::builder().threads(1).build();
        let (note, noted) = mpsc::channel();
        let handles: Vec<_> = (0..100)
            .map(|number| {
                let (pool, note) = (pool.clone(), note.clone());
                spawn(move || pool.offload(move || note.send(number).unwrap()).unwrap())
            })
            .collect();
        for handle in handles {
            handle.join().unwrap();
        }
        drop(note);
        assert!(noted.iter().eq(0..100));
        assert_eq!(pool.stats().taken, 100);
        assert_eq!(pool.stats().threads, 1);
    });
}

#[test]
fn a_time_limit_leaves_the_call_to_itself() {
    on_each_hub(|| {
        let (go_on, told) = mpsc::channel::<()>();
        let (tell, ended) = mpsc::channel();
        let late = offload_timeout(Duration::from_millis(1), move || {
            told.recv().unwrap();
            Note(tell)
        });
        assert_eq!(late.map(drop).unwrap_err().kind(), ErrorKind::TimedOut);
        go_on.send(()).unwrap();
        assert_eq!(ended.recv().unwrap(), None, "dropped on its own thread");
        let in_time = offload_timeout(Duration::from_secs(3600), || 7);
        assert_eq!(in_time.unwrap(), 7);
    });
}

/// Says on which thread it was dropped: that of an offloaded call has no name of a test.
struct Note(mpsc::Sender<Option<String>>);

impl Drop for Note {
    fn drop(&mut self) {
        let name = thread::current().name().unwrap_or_default().to_owned();
        let is_pool = name == "eventlet-offload" || name == "offload";
        let _ = self.0.send((!is_pool).then_some(name));
    }
}

#[test]
fn one_whose_caller_is_killed_ends_and_its_result_is_dropped_there() {
    on_each_hub(|| {
        let (go_on, told) = mpsc::channel::<()>();
        let (tell, ended) = mpsc::channel();
        let caller = spawn(move || {
            let call = move || {
                told.recv().unwrap();
                Note(tell)
            };
            offload(call).map(drop).unwrap();
        });
        until_parked(&caller);
        caller.kill().unwrap();
        assert!(matches!(caller.join(), Err(JoinError::Killed)));
        go_on.send(()).unwrap();
        assert_eq!(ended.recv().unwrap(), None);
    });
}

/// A call that has not begun when its caller is killed is made all the same, and a result whose drop
/// panics does the thread no harm.
#[test]
fn a_queued_one_of_a_killed_caller_is_made() {
    struct Bad(mpsc::Sender<()>);
    impl Drop for Bad {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
            panic!("dropped badly");
        }
    }
    on_each_hub(|| {
        let pool = OffloadPool::builder().threads(1).build();
        let (go_on, told) = mpsc::channel::<()>();
        let theirs = pool.clone();
        let first = spawn(move || theirs.offload(move || told.recv().unwrap()).unwrap());
        crate::support::until(|| pool.stats().taken == 1);
        let (tell, made) = mpsc::channel();
        let theirs = pool.clone();
        let queued = spawn(move || theirs.offload(move || Bad(tell)).map(std::mem::forget));
        until_parked(&queued);
        assert_eq!(pool.stats().queued, 1);
        queued.kill().unwrap();
        assert!(matches!(queued.join(), Err(JoinError::Killed)));
        go_on.send(()).unwrap();
        made.recv().unwrap();
        first.join().unwrap();
        assert_eq!(pool.offload(|| 7).unwrap(), 7);
        assert_eq!(pool.stats().threads, 1, "the same one");
    });
}

#[test]
fn nested_calls_are_made_in_place() {
    on_each_hub(|| {
        let pool = OffloadPool::builder().threads(1).build();
        let inner = pool.clone();
        let (outer, inner) = pool
            .offload(move || {
                let outer = thread::current().id();
                (outer, inner.offload(|| thread::current().id()).unwrap())
            })
            .unwrap();
        assert_eq!(outer, inner);
        // And onto another pool: that thread has no loop, and waits.
        let (outer, inner) = pool
            .offload(|| {
                let outer = thread::current().id();
                (outer, offload(|| thread::current().id()).unwrap())
            })
            .unwrap();
        assert_ne!(outer, inner);
    });
}

#[test]
fn a_pool_without_threads_makes_calls_in_place() {
    on_each_hub(|| {
        let pool = OffloadPool::builder().threads(0).build();
        let here = thread::current().id();
        assert_eq!(pool.offload(|| thread::current().id()).unwrap(), here);
        let panics = catch_unwind(AssertUnwindSafe(|| {
            pool.offload(|| panic!("here")).unwrap()
        }));
        assert_eq!(panics.unwrap_err().downcast_ref(), Some(&"here"));
        // Also when it has had some.
        pool.resize(1);
        assert_ne!(pool.offload(|| thread::current().id()).unwrap(), here);
        pool.resize(0);
        assert_eq!(pool.offload(|| thread::current().id()).unwrap(), here);
    });
}

#[test]
fn resizing_starts_threads_for_those_that_wait_and_ends_those_too_many() {
    on_each_hub(|| {
        let pool = OffloadPool::builder().threads(1).build();
        let barrier = Arc::new(Barrier::new(3));
        let handles: Vec<_> = (0..3)
            .map(|_| {
                let (pool, barrier) = (pool.clone(), Arc::clone(&barrier));
                let handle =
                    spawn(move || pool.offload(move || barrier.wait().is_leader()).unwrap());
                until_parked(&handle);
                handle
            })
            .collect();
        assert_eq!(pool.stats().threads, 1);
        // They meet only if all three run at once.
        pool.resize(3);
        for handle in handles {
            handle.join().unwrap();
        }
        assert_eq!(pool.stats().threads, 3);
        pool.resize(1);
        crate::support::until(|| pool.stats().threads == 1);
        assert_eq!(pool.offload(|| 7).unwrap(), 7);
    });
}

#[test]
fn idle_threads_end() {
    on_each_hub(|| {
        let pool = OffloadPool::builder()
            .idle(Duration::from_millis(1))
            .build();
        for round in 1..=3 {
            pool.offload(|| ()).unwrap();
            crate::support::until(|| pool.stats().threads == 0);
            assert_eq!(pool.stats().taken, round);
        }
    });
}

/// Closing refuses new calls; those that were made are answered.
#[test]
fn a_closed_pool_answers_what_was_asked() {
    on_each_hub(|| {
        let pool = OffloadPool::builder().threads(1).build();
        let (go_on, told) = mpsc::channel::<()>();
        let theirs = pool.clone();
        let running = spawn(move || theirs.offload(move || told.recv().unwrap()).unwrap());
        let theirs = pool.clone();
        let queued = spawn(move || theirs.offload(|| 7).unwrap());
        until_parked(&queued);
        pool.close();
        let refused = pool.offload(|| ()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::BrokenPipe);
        go_on.send(()).unwrap();
        running.join().unwrap();
        assert_eq!(queued.join().unwrap(), 7);
        crate::support::until(|| pool.stats().threads == 0);
        // The one of the process stays open.
        let shared = OffloadPool::shared().unwrap();
        shared.close();
        assert_eq!(shared.offload(|| 8).unwrap(), 8);
    });
}

/// The last handle may go while there is work: it is done.
#[test]
fn a_dropped_pool_does_what_there_is() {
    on_each_hub(|| {
        let pool = OffloadPool::builder().threads(1).build();
        let (go_on, told) = mpsc::channel::<()>();
        let theirs = pool.clone();
        let first = spawn(move || theirs.offload(move || told.recv().unwrap()).unwrap());
        until_parked(&first);
        let (tell, made) = mpsc::channel();
        let callers: Vec<_> = (0..10)
            .map(|number| {
                let (pool, tell) = (pool.clone(), tell.clone());
                let caller = spawn(move || pool.offload(move || tell.send(number).unwrap()));
                until_parked(&caller);
                caller
            })
            .collect();
        drop((pool, tell));
        for caller in &callers {
            caller.kill().unwrap();
        }
        for caller in callers {
            caller.join().map(drop).unwrap_err();
        }
        go_on.send(()).unwrap();
        first.join().unwrap();
        assert!(made.iter().eq(0..10));
    });
}

/// A thread without a loop gets none by this: it waits.
#[test]
#[cfg_attr(feature = "engine-may", ignore = "one loop a process")]
fn a_thread_without_a_loop_waits() {
    let _watchdog = Watchdog::new("none");
    let pool = OffloadPool::builder().threads(1).build();
    let elsewhere = thread::spawn(move || {
        let (go_on, told) = mpsc::channel::<()>();
        let late = pool.offload_timeout(Duration::from_millis(1), move || told.recv().unwrap());
        assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);
        go_on.send(()).unwrap();
        let id = thread::current().id();
        assert_ne!(pool.offload(|| thread::current().id()).unwrap(), id);
        eventlet_green::Setup::new().install().unwrap(); // there was none yet
    });
    elsewhere.join().unwrap();
}

#[test]
fn the_size_of_the_shared_pool_is_the_environments() {
    if is_child() {
        let _watchdog = Watchdog::new("default");
        let here = thread::current().id();
        let asked = std::env::var(OFFLOAD_VARIABLE).unwrap();
        match asked.as_str() {
            "3" => assert_eq!(OffloadPool::shared().unwrap().stats().limit, 3),
            "" => assert_eq!(OffloadPool::shared().unwrap().stats().limit, MAX_THREADS),
            "0" => assert_eq!(offload(|| thread::current().id()).unwrap(), here),
            _ => {
                let error = offload(|| ()).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert!(error.to_string().contains(OFFLOAD_VARIABLE), "{error}");
            }
        }
        return;
    }
    for asked in ["3", "", "0", "-1", "many"] {
        let test = "threads::offload::the_size_of_the_shared_pool_is_the_environments";
        let output = child_command(test)
            .env(OFFLOAD_VARIABLE, asked)
            .output()
            .unwrap();
        assert_success(&output);
    }
}

/// Killing a hundred thousand who wait for one thread costs what each costs.
#[test]
fn many_callers_are_killed() {
    on_each_hub(|| {
        let many = crowd(20_000);
        let pool = OffloadPool::builder().threads(1).build();
        let (go_on, told) = mpsc::channel::<()>();
        let theirs = pool.clone();
        let first = spawn(move || theirs.offload(move || told.recv().unwrap()).unwrap());
        let callers: Vec<_> = (0..many)
            .map(|_| {
                let pool = pool.clone();
                spawn(move || pool.offload(|| ()).unwrap())
            })
            .collect();
        crate::support::until(|| pool.stats().queued == many);
        for caller in &callers {
            caller.kill().unwrap();
        }
        for caller in callers {
            assert!(matches!(caller.join(), Err(JoinError::Killed)));
        }
        assert_eq!(stats().coroutines, 1);
        go_on.send(()).unwrap();
        first.join().unwrap();
    });
}

/// As many as there are threads really run at once: they meet. (Alone in its process, so that the
/// pool is all its own.)
#[test]
fn as_many_at_once_as_there_are_threads() {
    if !crate::support::is_child() {
        let output = crate::support::run_child(
            "threads::offload::as_many_at_once_as_there_are_threads",
            "poll",
        );
        return crate::support::assert_success(&output);
    }
    let _watchdog = crate::support::Watchdog::new("poll");
    crate::support::in_run(|| {
        let barrier = Arc::new(Barrier::new(MAX_THREADS));
        let handles: Vec<_> = (0..MAX_THREADS)
            .map(|_| {
                let barrier = Arc::clone(&barrier);
                spawn(move || offload(move || barrier.wait().is_leader()).unwrap())
            })
            .collect();
        let leaders = handles
            .into_iter()
            .filter_map(|handle| handle.join().ok())
            .filter(|&leader| leader)
            .count();
        assert_eq!(leaders, 1);
    });
}

#[test]
fn a_late_answer_wakes_nobody_out_of_something_else() {
    on_each_hub(|| {
        let (go_on, told) = mpsc::channel::<()>();
        let (done, ended) = mpsc::channel();
        let caller = spawn(move || {
            let call = move || {
                let _ = told.recv();
                done.send(()).unwrap();
            };
            let late = timeout(Duration::from_millis(1), || offload(call).unwrap());
            assert!(late.unwrap_err().is_elapsed());
            sleep(Duration::from_secs(3600));
        });
        crate::support::until(|| caller.waits_for() == Wait::Sleep);
        go_on.send(()).unwrap();
        ended.recv().unwrap();
        for _ in 0..3 {
            offload(|| ()).unwrap();
        }
        assert_eq!(caller.waits_for(), Wait::Sleep);
        caller.kill().unwrap();
        caller.join().unwrap_err();
    });
}

#[test]
fn what_is_handed_over_is_dropped_once() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    on_each_hub(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let value = Counted(Arc::clone(&drops));
        let back = offload(move || value).unwrap();
        assert_eq!(drops.load(Ordering::SeqCst), 0);
        drop(back);
        assert_eq!(drops.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_call_counts_as_something_to_wait_for_even_with_a_clock_that_jumps() {
    on_each_hub_jumping(|_| {
        assert_eq!(offload(|| 7).unwrap(), 7);
    });
}
