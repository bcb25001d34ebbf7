//! Descriptors with callbacks: changes from within callbacks, stale events, slots used again; on a
//! scripted hub where order matters, and on poll and epoll where the kernel does.

mod support;

use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::{Hub, Interest, Readiness, Source, Token};
use eventlet_hub_epoll::EpollHub;
use eventlet_hub_poll::PollHub;
use eventlet_runloop::{Activities, Descriptor, Ended, ObserverLife, RunLoop};
use support::{Log, Loop, OnDrop, any_source, scripted, watchdog};

const ZERO: Option<Duration> = Some(Duration::ZERO);
const READABLE: Readiness = Readiness::READABLE;

#[test]
fn a_callback_may_deregister_itself_and_what_comes_later_in_the_batch() {
    let (run_loop, script) = scripted();
    let log = Log::new();
    let tokens: Rc<RefCell<Vec<Token>>> = Rc::default();
    for name in ["a", "b", "c"] {
        let (log, known) = (log.clone(), tokens.clone());
        let token = run_loop.register(any_source(), move |run_loop, token, _, _| {
            log.add(name);
            if name == "a" {
                assert_eq!(token, known.borrow()[0]);
                run_loop.deregister(known.borrow()[0]).unwrap();
                run_loop.deregister_closing(known.borrow()[1]).unwrap();
                log.add("done");
            }
        });
        tokens.borrow_mut().push(token.unwrap());
    }
    let batch = tokens
        .borrow()
        .iter()
        .map(|token| (*token, READABLE))
        .collect();
    script.batches.borrow_mut().push_back(batch);
    run_loop.turn(None).unwrap();
    log.expect("a done c");
    assert_eq!(run_loop.descriptor_count(), 1);
    assert_eq!(run_loop.counters().events, 2);
}

#[test]
fn an_event_of_a_slots_former_tenant_never_reaches_the_next_one() {
    let (run_loop, script) = scripted();
    let log = Log::new();
    let old: Rc<Cell<Option<Token>>> = Rc::default();
    let (into, former) = (log.clone(), old.clone());
    let first = run_loop
        .register(any_source(), move |run_loop, _, _, _| {
            run_loop.deregister(former.get().unwrap()).unwrap();
            let log = into.clone();
            let new = run_loop
                .register(any_source(), move |_, _, _, _| log.add("new tenant"))
                .unwrap();
            assert_eq!(new.slot(), former.get().unwrap().slot());
            run_loop.arm(new, Interest::READABLE).unwrap();
        })
        .unwrap();
    let second = run_loop
        .register(any_source(), |_, _, _, _| unreachable!("deregistered"))
        .unwrap();
    old.set(Some(second));
    let batch = vec![(first, READABLE), (second, READABLE)];
    script.batches.borrow_mut().push_back(batch);
    run_loop.turn(None).unwrap();
    log.expect("");
    // The stale token is of no use either.
    let stale = run_loop.deregister(second).unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::NotFound);
}

#[test]
fn a_destructor_may_use_the_descriptors() {
    let (run_loop, _) = scripted();
    let run_loop = Rc::new(run_loop);
    let weak = Rc::downgrade(&run_loop);
    let other = run_loop.register(any_source(), |_, _, _, _| {}).unwrap();
    let guard = OnDrop(move || {
        let run_loop = weak.upgrade().expect("the loop lives");
        run_loop.deregister(other).unwrap();
        run_loop.register(any_source(), |_, _, _, _| {}).unwrap();
    });
    let token = run_loop
        .register(any_source(), move |_, _, _, _| {
            let _ = &guard;
        })
        .unwrap();
    run_loop.deregister(token).unwrap();
    assert_eq!(run_loop.descriptor_count(), 1);
}

#[test]
fn the_loop_lets_go_of_the_source() {
    let (run_loop, _) = scripted();
    let source = Rc::new(any_source());
    let token = run_loop.register(source.clone(), |_, _, _, _| {}).unwrap();
    assert_eq!(Rc::strong_count(&source), 2);
    run_loop.deregister(token).unwrap();
    assert_eq!(Rc::strong_count(&source), 1);
    run_loop.register(source.clone(), |_, _, _, _| {}).unwrap();
    drop(run_loop);
    assert_eq!(Rc::strong_count(&source), 1);
}

/// A descriptor that is told itself.
struct Bell {
    stream: UnixStream,
    rung: Cell<u32>,
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

// SAFETY: the stream is private to this file, which never exchanges it.
unsafe impl Source for Bell {}

impl<H: Hub + 'static> Descriptor<H> for Bell {
    fn ready(self: Rc<Self>, run_loop: &RunLoop<H>, token: Token, readiness: Readiness) {
        assert!(readiness.is_readable());
        let mut buffer = [0; 16];
        match (&self.stream).read(&mut buffer) {
            Ok(0) => return run_loop.deregister(token).unwrap(),
            Ok(_) => self.rung.set(self.rung.get() + 1),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        run_loop.arm(token, Interest::READABLE).unwrap();
    }
}

fn a_descriptor_is_told_until_its_end(hub: impl Hub + 'static) {
    let run_loop = RunLoop::new(hub);
    let (mut near, far) = UnixStream::pair().unwrap();
    far.set_nonblocking(true).unwrap();
    let bell = Rc::new(Bell {
        stream: far,
        rung: Cell::new(0),
    });
    let token = run_loop.register_descriptor(bell.clone()).unwrap();
    run_loop.arm(token, Interest::READABLE).unwrap();
    for rung in 1..=3 {
        near.write_all(b"!").unwrap();
        while bell.rung.get() < rung {
            run_loop.turn(None).unwrap();
        }
    }
    drop(near);
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
    assert_eq!(run_loop.descriptor_count(), 0);
    assert_eq!(Rc::strong_count(&bell), 1);
}

fn a_chain_of_callbacks_passes_a_byte_on(hub: impl Hub + 'static) {
    // Each stream's callback registers the next one and writes to it.
    const LINKS: u32 = 100;
    fn link<H: Hub + 'static>(run_loop: &RunLoop<H>, left: u32, made: Rc<Cell<u32>>) {
        let (near, far) = UnixStream::pair().unwrap();
        far.set_nonblocking(true).unwrap();
        (&near).write_all(b"!").unwrap();
        let token = run_loop
            .register(far, move |run_loop, token, mut far: &UnixStream, _| {
                let _ = &near;
                match far.read(&mut [0]) {
                    Ok(1) => {}
                    outcome => {
                        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::WouldBlock);
                        return run_loop.arm(token, Interest::READABLE).unwrap();
                    }
                }
                made.set(made.get() + 1);
                if left > 1 {
                    link(run_loop, left - 1, made.clone());
                }
                run_loop.deregister(token).unwrap();
            })
            .unwrap();
        run_loop.arm(token, Interest::READABLE).unwrap();
    }
    let run_loop = RunLoop::new(hub);
    let made = Rc::new(Cell::new(0));
    link(&run_loop, LINKS, made.clone());
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
    assert_eq!(made.get(), LINKS);
}

fn a_waker_ends_a_real_wait(hub: impl Hub + 'static) {
    let run_loop = RunLoop::new(hub);
    let guard = run_loop.keep_alive();
    let (about_to_wait, waits) = std::sync::mpsc::channel();
    run_loop.add_observer(
        Activities::BEFORE_WAITING,
        ObserverLife::Once,
        move |_, _| about_to_wait.send(()).unwrap(),
    );
    let thread = std::thread::spawn(move || {
        waits.recv().unwrap();
        guard.wake();
    });
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
    thread.join().unwrap();
    assert!(run_loop.counters().wake_ups >= 1);
}

fn real_timers_are_not_early(hub: impl Hub + 'static) {
    let run_loop = RunLoop::new(hub);
    let start = std::time::Instant::now();
    let delays = [3, 1, 2].map(Duration::from_millis);
    for delay in delays {
        run_loop.call_after(delay, move |_| assert!(start.elapsed() >= delay));
    }
    let guard = run_loop.counters();
    assert_eq!(run_loop.run().unwrap(), Ended::Idle);
    assert_eq!(run_loop.counters().timers, guard.timers + 3);
    assert_eq!(run_loop.counters().panics, 0);
    // One wait per timer, not a busy loop.
    assert!(run_loop.counters().waits <= 6, "{:?}", run_loop.counters());
}

macro_rules! on_real_hubs {
    ($($test:ident),* $(,)?) => {
        mod poll {
            $(#[test]
            fn $test() {
                let _watchdog = super::watchdog(stringify!($test));
                super::$test(super::PollHub::new().unwrap());
            })*
        }
        mod epoll {
            $(#[test]
            fn $test() {
                let _watchdog = super::watchdog(stringify!($test));
                super::$test(super::EpollHub::new().unwrap());
            })*
        }
    };
}

on_real_hubs!(
    a_descriptor_is_told_until_its_end,
    a_chain_of_callbacks_passes_a_byte_on,
    a_waker_ends_a_real_wait,
    real_timers_are_not_early,
);

#[test]
fn what_the_loop_says_of_its_hub() {
    let (run_loop, _): (Loop, _) = scripted();
    assert_eq!(run_loop.hub_name(), "scripted");
    assert!(run_loop.capabilities().regular_files);
    run_loop.turn(ZERO).unwrap();
    assert!(format!("{run_loop:?}").contains("scripted"));
}
