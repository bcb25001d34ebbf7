//! What is set off by a coroutine's end, and starts that are put off and taken back.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use crate::support::{Noted, on_each_hub, on_each_hub_jumping, record, until, until_parked};
use eventlet_green::{
    Ending, JoinError, JoinHandle, call_after, join_all, sleep, spawn, spawn_after,
    spawn_after_local, stats, yield_now,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

type Log<T> = Rc<RefCell<Vec<T>>>;

/// Links a note of the ending to it.
fn note<T>(handle: &JoinHandle<T>, log: &Log<Ending>) {
    let log = Rc::clone(log);
    handle.link(move |ending| log.borrow_mut().push(ending));
}

fn until_quiet() {
    until(|| stats().coroutines == 0);
}

#[test]
fn each_way_to_end() {
    on_each_hub(|| {
        let log = Log::default();
        let returns = spawn(|| 7);
        note(&returns, &log);
        assert_eq!(returns.join().unwrap(), 7);
        let panics = spawn(|| panic!("on purpose"));
        note(&panics, &log);
        panics.join().unwrap_err();
        let killed = spawn(|| sleep(HOUR));
        note(&killed, &log);
        until_parked(&killed);
        killed.kill().unwrap();
        killed.join().unwrap_err();
        let never_started = spawn(|| ());
        note(&never_started, &log);
        never_started.cancel().unwrap();
        until_quiet();
        assert_eq!(
            *log.borrow(),
            [
                Ending::Returned,
                Ending::Panicked,
                Ending::Killed,
                Ending::Killed
            ]
        );
    });
}

#[test]
fn in_their_order_in_steps_of_their_own_which_may_wait() {
    on_each_hub_jumping(|_| {
        let log: Log<u32> = Log::default();
        let worker = spawn(|| ());
        for n in [3, 2, 1] {
            let log = Rc::clone(&log);
            worker.link(move |_| {
                log.borrow_mut().push(n);
                sleep(n * SECOND);
                log.borrow_mut().push(10 * n);
            });
        }
        worker.join().unwrap();
        assert!(log.borrow().len() <= 3, "the joiner does not wait for them");
        sleep(HOUR);
        assert_eq!(*log.borrow(), [3, 2, 1, 10, 20, 30]);
    });
}

#[test]
fn to_one_that_has_ended() {
    on_each_hub(|| {
        let log = Log::default();
        let worker = spawn(|| ());
        until(|| worker.is_finished());
        note(&worker, &log);
        assert!(log.borrow().is_empty(), "not within the call");
        yield_now();
        assert_eq!(*log.borrow(), [Ending::Returned]);
        let link = worker.link(|_| ());
        assert!(!link.unlink(), "it is set off already");
        until_quiet();
    });
}

#[test]
fn from_within_a_link() {
    on_each_hub(|| {
        let log = Log::default();
        let worker = Rc::new(spawn(|| ()));
        let (again, inner) = (Rc::clone(&worker), Rc::clone(&log));
        worker.link(move |ending| {
            inner.borrow_mut().push(ending);
            note(&again, &inner);
        });
        until_quiet();
        assert_eq!(*log.borrow(), [Ending::Returned; 2]);
    });
}

#[test]
fn unlinked_ones_are_not_called_and_dropped_at_once() {
    on_each_hub(|| {
        let dropped = record();
        let worker = spawn(|| ());
        let captured = Noted(Rc::clone(&dropped), "captured");
        let link = worker.link(move |_| {
            let _captured = captured;
            unreachable!("it was unlinked");
        });
        let log = Log::default();
        note(&worker, &log);
        assert!(link.unlink());
        assert_eq!(*dropped.borrow(), ["captured"]);
        worker.join().unwrap();
        until_quiet();
        assert_eq!(*log.borrow(), [Ending::Returned], "the other is");
    });
}

#[test]
fn one_that_panics_disturbs_nobody() {
    on_each_hub(|| {
        let log = Log::default();
        let worker = spawn(|| ());
        worker.link(|_| panic!("of a link, on purpose"));
        note(&worker, &log);
        worker.join().unwrap();
        until_quiet();
        assert_eq!(*log.borrow(), [Ending::Returned]);
    });
}

#[test]
fn the_result_itself() {
    on_each_hub(|| {
        let log: Log<String> = Log::default();
        let keep = |result: Result<u32, JoinError>| match result {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        };
        let cancelled = spawn(|| 8);
        cancelled.cancel().unwrap();
        for job in [spawn(|| 7), spawn(|| panic!("no luck")), cancelled] {
            let log = Rc::clone(&log);
            job.on_finish(move |result| log.borrow_mut().push(keep(result)));
        }
        until_quiet();
        let expected = [
            "the coroutine was killed",
            "7",
            "the coroutine panicked: no luck",
        ];
        assert_eq!(*log.borrow(), expected);
    });
}

#[test]
fn the_result_of_one_that_has_ended() {
    on_each_hub(|| {
        let got = Rc::new(Cell::new(0));
        let job = spawn(|| 7);
        until(|| job.is_finished());
        let theirs = Rc::clone(&got);
        job.on_finish(move |result| theirs.set(result.unwrap()));
        until_quiet();
        assert_eq!(got.get(), 7);
        // Unlinked, the coroutine goes on.
        let ran = Rc::clone(&got);
        let link = spawn(move || ran.set(8)).on_finish(|_| unreachable!("it was unlinked"));
        assert!(link.unlink());
        until_quiet();
        assert_eq!(got.get(), 8);
    });
}

#[test]
fn a_hundred_thousand_come_and_go_at_little_cost() {
    on_each_hub(|| {
        let sleeper = spawn(|| sleep(HOUR));
        let count = Rc::new(Cell::new(0));
        let links: Vec<_> = (0..100_000)
            .map(|_| {
                let count = Rc::clone(&count);
                sleeper.link(move |_| count.set(count.get() + 1))
            })
            .collect();
        for (n, link) in links.into_iter().enumerate() {
            if n % 1_000 != 0 {
                assert!(link.unlink());
            }
        }
        sleeper.kill().unwrap();
        sleeper.join().unwrap_err();
        until_quiet();
        assert_eq!(count.get(), 100);
    });
}

#[test]
fn a_cancelled_start() {
    on_each_hub_jumping(|_| {
        let dropped = record();
        let captured = Noted(Rc::clone(&dropped), "captured");
        let delayed = spawn_after(HOUR, move || drop(captured));
        assert!(delayed.cancel().unwrap());
        assert_eq!(stats().timers, 0);
        assert!(matches!(delayed.join(), Err(JoinError::Killed)));
        assert_eq!(*dropped.borrow(), ["captured"]);
        let queued = spawn(|| unreachable!("it was cancelled"));
        assert!(queued.cancel().unwrap());
        assert!(matches!(queued.join(), Err::<(), _>(JoinError::Killed)));
    });
}

#[test]
fn cancelling_what_has_started_does_nothing() {
    on_each_hub_jumping(|_| {
        let started = spawn_after(SECOND, || {
            sleep(SECOND);
            7
        });
        sleep(SECOND + SECOND / 2);
        assert!(!started.cancel().unwrap());
        let yields = spawn(|| {
            yield_now();
            8
        });
        yield_now();
        assert!(!yields.cancel().unwrap(), "queued, but not for its start");
        let results = join_all([started, yields]);
        assert!(matches!(results[..], [Ok(7), Ok(8)]));
        let ended = spawn(|| ());
        yield_now();
        assert!(!ended.cancel().unwrap());
    });
}

#[test]
fn a_local_start_is_void_when_who_asked_for_it_has_ended() {
    on_each_hub_jumping(|_| {
        let ran = Rc::new(RefCell::new(Vec::new()));
        let theirs = Rc::clone(&ran);
        let asker = spawn(move || {
            let [local, global] = [(); 2].map(|()| Rc::clone(&theirs));
            let local = spawn_after_local(SECOND, move || local.borrow_mut().push("local"));
            call_after(SECOND, move || global.borrow_mut().push("global"));
            local
        });
        assert_eq!(asker.join().unwrap().join().unwrap(), None);
        // One that is alive by then.
        let theirs = Rc::clone(&ran);
        let asker = spawn(move || {
            let job = spawn_after_local(SECOND, move || theirs.borrow_mut().push("alive"));
            job.join().unwrap()
        });
        assert_eq!(asker.join().unwrap(), Some(()));
        // The root stack.
        assert_eq!(spawn_after_local(SECOND, || 7).join().unwrap(), Some(7));
        assert_eq!(*ran.borrow(), ["global", "alive"]);
    });
}
