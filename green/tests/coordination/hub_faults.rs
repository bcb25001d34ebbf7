//! A hub that cannot wait: each call that the root waits in says so, leaves no waiter behind, and works
//! again when the hub does. (Descriptors, and what is woken meanwhile: `network/hub_faults.rs`.)

use std::cell::Cell;
use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::channel::{self, RecvTimeoutError, SendTimeoutError};
use eventlet_green::pool::{FanError, Group, Pool, Workers, fan};
use eventlet_green::sync::{Barrier, Condvar, Event, Mutex, RwLock, Semaphore, WaitGroup};
use eventlet_green::testing::{Harness, HubCall};
use eventlet_green::{
    JoinHandle, ParkError, block_on, cross, first_of, join_all, remote, select, sleep, spawn, stats,
};

use crate::support::{until, until_parked};

const LONG: Duration = Duration::from_secs(3600);

type Refusal = Box<dyn Error>;

/// A call of the root that waits: what it says when it cannot, how many then still wait, and what is to be
/// done for it to succeed.
struct Case {
    name: &'static str,
    call: Box<dyn Fn() -> Result<(), Refusal>>,
    waiting: Box<dyn Fn() -> usize>,
    release: Box<dyn Fn()>,
}

fn case<T, E: Into<Refusal>>(
    name: &'static str,
    call: impl Fn() -> Result<T, E> + 'static,
    waiting: impl Fn() -> usize + 'static,
    release: impl Fn() + 'static,
) -> Case {
    Case {
        name,
        call: Box::new(move || call().map(drop).map_err(Into::into)),
        waiting: Box::new(waiting),
        release: Box::new(release),
    }
}

/// One that sleeps until it is killed: something that could yet happen, so that nobody is stuck.
fn sleeper() -> JoinHandle<()> {
    let handle = spawn(|| sleep(LONG));
    until_parked(&handle);
    handle
}

/// Does `f` soon, in a coroutine.
fn soon(f: impl FnOnce() + 'static) {
    drop(spawn(f));
}

fn of_channels() -> Vec<Case> {
    let (sender, receiver) = channel::bounded::<i32>(1);
    let (to, from) = (sender.clone(), receiver.clone());
    let receiving = case(
        "receiving",
        move || receiver.recv(),
        || 0,
        move || {
            let sender = sender.clone();
            soon(move || sender.send(1).unwrap());
        },
    );
    let limited = {
        let (from, to) = (from.clone(), to.clone());
        case(
            "receiving with a limit",
            move || match from.recv_timeout(LONG) {
                Err(RecvTimeoutError::Refused(reason)) => Err(reason),
                other => Ok(other.unwrap()),
            },
            || 0,
            move || {
                let to = to.clone();
                soon(move || to.send(1).unwrap());
            },
        )
    };
    let (full, drained) = channel::rendezvous::<String>();
    let sending = case(
        "sending",
        move || match full.send_timeout("mine".to_owned(), LONG) {
            // The value comes back.
            Err(SendTimeoutError::Refused(value, reason)) => {
                assert_eq!(value, "mine");
                Err(reason)
            }
            other => {
                other.unwrap();
                Ok(())
            }
        },
        || 0,
        move || {
            let drained = drained.clone();
            soon(move || assert_eq!(drained.recv().unwrap(), "mine"));
        },
    );
    let (kept, never) = channel::rendezvous::<i32>();
    let selecting = case(
        "selecting",
        move || select(&mut [&mut from.receiving(), &mut never.receiving()]),
        || 0,
        move || {
            assert!(!kept.is_closed());
            let to = to.clone();
            soon(move || to.send(1).unwrap());
        },
    );
    let (tasks, worker) = channel::unbounded();
    tasks.send(1).unwrap();
    let done = worker.clone();
    let joining = case(
        "the end of tasks",
        move || tasks.join(),
        || 0,
        move || {
            let worker = done.clone();
            soon(move || {
                worker.recv().unwrap();
                worker.task_done().unwrap();
            });
        },
    );
    let (over, there) = cross::bounded::<i32>(1);
    let here = there.clone();
    let crossing = case(
        "receiving from another thread",
        move || there.recv(),
        move || here.waiting(),
        move || {
            let over = over.clone();
            soon(move || over.send(1).unwrap());
        },
    );
    vec![receiving, limited, sending, selecting, joining, crossing]
}

fn of_locks() -> Vec<Case> {
    /// A coroutine that holds something until it is told to let go.
    fn hold(take: impl FnOnce(Rc<Event<()>>) + 'static) -> Rc<Event<()>> {
        let enough = Rc::new(Event::new());
        let theirs = Rc::clone(&enough);
        until_parked(&spawn(move || take(theirs)));
        enough
    }
    fn release(enough: Rc<Event<()>>) -> impl Fn() {
        move || enough.send(()).unwrap()
    }

    let mutex = Rc::new(Mutex::new(0));
    let [ours, counted] = [0; 2].map(|_| Rc::clone(&mutex));
    let held = hold(move |enough| {
        let _guard = mutex.lock().unwrap();
        enough.wait().unwrap();
    });
    let locking = case(
        "locking",
        move || ours.lock().map(drop),
        move || counted.waiting(),
        release(held),
    );
    let lock = Rc::new(RwLock::new(0));
    let [ours, counted] = [0; 2].map(|_| Rc::clone(&lock));
    let held = hold(move |enough| {
        let _guard = lock.write().unwrap();
        enough.wait().unwrap();
    });
    let reading = case(
        "reading under a lock",
        move || ours.read().map(drop),
        move || counted.waiting(),
        release(held),
    );
    let lock = Rc::new(RwLock::new(0));
    let [ours, counted] = [0; 2].map(|_| Rc::clone(&lock));
    let held = hold(move |enough| {
        let _guard = lock.read().unwrap();
        enough.wait().unwrap();
    });
    let writing = case(
        "writing under a lock",
        move || ours.write().map(drop),
        move || counted.waiting(),
        release(held),
    );
    let semaphore = Rc::new(Semaphore::new(0));
    let [ours, counted] = [0; 2].map(|_| Rc::clone(&semaphore));
    let permit = case(
        "a permit",
        move || ours.acquire().map(drop),
        move || counted.waiting(),
        move || semaphore.add_permits(1),
    );
    let pair = Rc::new((Mutex::new(()), Condvar::new()));
    let [counted, told] = [0; 2].map(|_| Rc::clone(&pair));
    let condition = case(
        "a notification",
        move || pair.1.wait(pair.0.lock().unwrap()).map(drop),
        move || counted.1.waiting() + usize::from(counted.0.is_locked()),
        move || {
            let told = Rc::clone(&told);
            soon(move || told.1.notify_all());
        },
    );
    vec![locking, reading, writing, permit, condition]
}

fn of_meetings() -> Vec<Case> {
    let event = Rc::new(Event::new());
    let [counted, sent] = [0; 2].map(|_| Rc::clone(&event));
    let waiting = case(
        "an event",
        move || event.wait(),
        move || counted.waiting(),
        move || sent.send(1).unwrap(),
    );
    let barrier = Rc::new(Barrier::new(2));
    let [counted, other] = [0; 2].map(|_| Rc::clone(&barrier));
    let meeting = case(
        "a barrier",
        move || barrier.wait(),
        move || counted.waiting(),
        move || {
            let other = Rc::clone(&other);
            soon(move || {
                other.wait().unwrap();
            });
        },
    );
    let group = Rc::new(WaitGroup::new());
    let counted = Rc::clone(&group);
    let member = Cell::new(Some(group.add()));
    let ending = case(
        "a wait group",
        move || group.wait(),
        move || counted.waiting(),
        move || drop(member.take()),
    );
    vec![waiting, meeting, ending]
}

fn of_pools() -> Vec<Case> {
    let pool = Rc::new(Pool::new(1, || Ok::<_, Infallible>(7)));
    let [counted, ours] = [0; 2].map(|_| Rc::clone(&pool));
    let item = Cell::new(Some(pool.acquire().unwrap()));
    let taking = case(
        "an item of a pool",
        move || ours.acquire().map(drop),
        move || counted.waiting(),
        move || drop(item.take()),
    );
    let workers = Rc::new(Workers::new(1));
    let [ours, counted] = [0; 2].map(|_| Rc::clone(&workers));
    let busy = workers.spawn(|| sleep(LONG)).unwrap();
    until_parked(&busy);
    let seat = case(
        "a seat among workers",
        move || ours.spawn(|| ()),
        move || counted.waiting(),
        move || assert!(busy.kill().unwrap()),
    );
    let group = Rc::new(Group::new());
    let member = group.spawn(|| sleep(LONG));
    until_parked(&member);
    let members = case(
        "the end of a group",
        move || group.join_all(),
        || 0,
        move || assert!(member.kill().unwrap()),
    );
    vec![taking, seat, members]
}

fn of_coroutines() -> Vec<Case> {
    /// Ends by itself, if somebody turns the loop.
    fn brief() -> JoinHandle<()> {
        spawn(|| sleep(Duration::from_millis(1)))
    }
    fn alone<T, E: Into<Refusal>>(
        name: &'static str,
        call: impl Fn() -> Result<T, E> + 'static,
    ) -> Case {
        case(name, call, || 0, || ())
    }

    vec![
        alone("the end of one", || brief().join()),
        alone("the end of all", || {
            join_all([brief(), brief()]).pop().unwrap()
        }),
        alone("the end of any", || first_of(&mut vec![brief()]).map(drop)),
        alone("a future", || block_on(brief())),
        alone("one of another thread", || {
            remote().spawn(|| sleep(Duration::ZERO)).unwrap().join()
        }),
    ]
}

/// The error of the hub at the end of what an error stems from.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.downcast_ref()
}

#[test]
fn each_wait_of_the_root_says_so_and_works_again() {
    Harness::new().failing().run(|given| {
        let faults = given.faults();
        let alive = sleeper();
        let kinds = [of_channels, of_locks, of_meetings, of_pools, of_coroutines];
        for case in kinds.into_iter().flat_map(|make| make()) {
            let name = case.name;
            faults.break_down(HubCall::Wait, || io::ErrorKind::OutOfMemory.into());
            for _ in 0..2 {
                let error = (case.call)().expect_err(name);
                let text = error.to_string();
                assert_eq!(text, "the hub cannot wait: out of memory", "{name}");
                assert_eq!((case.waiting)(), 0, "{name}");
                let cause = cause(&*error).map(io::Error::kind);
                assert_eq!(cause, Some(io::ErrorKind::OutOfMemory), "{name}");
            }
            faults.heal();
            (case.release)();
            if let Err(error) = (case.call)() {
                panic!("{name}: {error}");
            }
        }
        alive.kill().unwrap();
        // With those that were waited for in vain.
        until(|| stats().coroutines == 0);
    });
}

#[test]
fn a_sleep_that_cannot_be_slept_panics_with_the_reason() {
    Harness::new().failing().run(|given| {
        let refused = || -> io::Error { io::ErrorKind::OutOfMemory.into() };
        given.faults().break_down(HubCall::Wait, refused);
        let payload = eventlet_green::catch_panic(|| sleep(LONG)).unwrap_err();
        assert_eq!(
            crate::support::text(&*payload),
            "the hub cannot wait: out of memory"
        );
        // The deadline is gone with it.
        assert_eq!(stats().timers, 0);
        given.faults().heal();
        sleep(Duration::from_millis(1));
        let reason = ParkError::HubFailed(refused().into());
        assert_eq!(reason.to_string(), "the hub cannot wait: out of memory");
    });
}

#[test]
fn calls_under_way_are_ended_where_they_cannot_be_waited_for() {
    Harness::new().failing().run(|given| {
        let faults = given.faults();
        let broken = || faults.break_down(HubCall::Wait, || io::ErrorKind::OutOfMemory.into());
        let is_refused =
            |error: &dyn Error| error.to_string() == "the hub cannot wait: out of memory";
        let alive = sleeper();
        let workers = Workers::new(2);

        // In order: this call's result is lost with it.
        let mut ordered = workers.imap(0..2, |_| sleep(LONG));
        broken();
        assert!(is_refused(&ordered.next().unwrap().unwrap_err()));
        faults.heal();
        drop(ordered);

        // As they come: which of them it would be is not known, so none is waited for any more.
        let mut any = workers.imap_unordered(0..9, |_| sleep(LONG));
        broken();
        assert!(is_refused(&any.next().unwrap().unwrap_err()));
        faults.heal();
        assert!(any.next().is_none());

        // Waiting for all does not end them.
        let enough = Rc::new(Event::new());
        let theirs = Rc::clone(&enough);
        let busy = workers.spawn(move || theirs.wait().unwrap()).unwrap();
        broken();
        assert!(is_refused(&workers.wait_all().unwrap_err()));
        assert!(is_refused(&workers.wait_all_timeout(LONG).unwrap_err()));
        faults.heal();
        enough.send(()).unwrap();
        busy.join().unwrap();
        workers.wait_all().unwrap();

        // The first call of a fan that cannot be waited for says why, and the rest are ended; one that
        // has ended by then has its result.
        let released = Rc::new(Event::new());
        let held = |n| {
            released.wait().map_err(io::Error::other)?;
            Ok::<_, io::Error>(n)
        };
        broken();
        assert_eq!(fan(2, [1, 2], Ok::<_, io::Error>).unwrap(), [1, 2]);
        let outcome = fan(2, [1, 2], held);
        let Err(FanError::AllFailed(failures)) = outcome else {
            panic!("{outcome:?}");
        };
        let told: Vec<_> = failures.iter().map(ToString::to_string).collect();
        let reason = "the hub cannot wait: out of memory";
        assert_eq!(told, [reason, "the coroutine was killed"]);
        faults.heal();
        let release = Rc::clone(&released);
        soon(move || release.send(()).unwrap());
        assert_eq!(fan(2, [1, 2], held).unwrap(), [1, 2]);

        alive.kill().unwrap();
        until(|| stats().coroutines == 0);
    });
}
