//! Blocking calls on other threads.

mod support;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use eventlet_green::{MAX_THREADS, Wait, offload, sleep, spawn, timeout, yield_now};
use support::{on_each_hub, on_each_hub_jumping, until_parked};

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

/// As many as there are threads really run at once: they meet. (Alone in its process, so that the
/// pool is all its own.)
#[test]
fn as_many_at_once_as_there_are_threads() {
    if !support::is_child() {
        let output = support::run_child("as_many_at_once_as_there_are_threads", "poll");
        return support::assert_success(&output);
    }
    let _watchdog = support::Watchdog::new("poll");
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
        support::until(|| caller.waits_for() == Wait::Sleep);
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
