//! Operations without a socket: the engine, coroutines, channels, timers, and the run loop's
//! descriptors.

use std::hint::black_box;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use corosensei::Coroutine;
use eventlet_green::{channel, sleep, spawn, timeout, yield_now};
use eventlet_hub::{Hub, Interest};
use eventlet_hub_epoll::EpollHub;
use eventlet_runloop::{RunLoop, Task};

/// Timers that are pending all the while.
const PENDING: u64 = 100;

/// When they are due: never, as far as this program goes.
const FAR: Duration = Duration::from_secs(3600);

/// The shortest nap that is not over before it begins.
const NAP: Duration = Duration::from_micros(1);

pub fn switch(times: u64) {
    let mut coroutine = Coroutine::new(|yielder: &corosensei::Yielder<(), ()>, ()| {
        loop {
            yielder.suspend(());
        }
        #[expect(unreachable_code, reason = "the type of what it would return")]
        ()
    });
    for _ in 0..times {
        coroutine.resume(());
    }
}

pub fn yields(times: u64) {
    let both = [times / 2, times - times / 2].map(|share| {
        spawn(move || {
            for _ in 0..share {
                yield_now();
            }
        })
    });
    for one in both {
        one.join().expect("it ends");
    }
}

pub fn spawns(times: u64) {
    let outer = spawn(move || {
        for _ in 0..times {
            spawn(|| ()).join().expect("it ends");
        }
    });
    outer.join().expect("it ends");
}

pub fn channel(times: u64) {
    let (there, questions) = channel::rendezvous();
    let (answers, back) = channel::rendezvous();
    let echo = spawn(move || {
        for number in questions {
            answers.send(number).expect("somebody asks");
        }
    });
    let asking = spawn(move || {
        for number in 0..times {
            there.send(number).expect("somebody answers");
            assert_eq!(back.recv().expect("an answer"), number);
        }
    });
    asking.join().expect("it ends");
    echo.join().expect("it ends");
}

pub fn timeouts(times: u64) {
    let outer = spawn(move || {
        for number in 0..times {
            assert_eq!(timeout(FAR, || number).expect("in time"), number);
        }
    });
    outer.join().expect("it ends");
}

/// A timer's task that nobody waits for.
struct Nothing;

impl<H: Hub> Task<H> for Nothing {
    fn run(self: Rc<Self>, _: &RunLoop<H>) {}
}

pub fn timers(times: u64) {
    let run_loop = RunLoop::new(EpollHub::new().expect("a hub"));
    let nothing = Rc::new(Nothing);
    let far = run_loop.now() + FAR;
    for number in 0..PENDING {
        run_loop.arm_timer(far + Duration::from_secs(number), nothing.clone());
    }
    for number in 0..times {
        // In between the others, here and there.
        let deadline = far + Duration::from_millis(number * 37 % (PENDING * 1000));
        let timer = run_loop.arm_timer(deadline, nothing.clone());
        assert!(run_loop.cancel_timer(timer));
    }
}

pub fn sleeps(times: u64) {
    let outer = spawn(move || (0..times).for_each(|_| sleep(NAP)));
    outer.join().expect("it ends");
}

pub fn arms(times: u64) {
    let run_loop = RunLoop::new(EpollHub::new().expect("a hub"));
    let (reader, _writer) = io::pipe().expect("a pipe");
    let token = run_loop
        .register(reader, |_, _, _, _| ())
        .expect("a pipe can be watched");
    for _ in 0..times {
        let armed = run_loop.arm(black_box(token), black_box(Interest::READABLE));
        armed.expect("it is there");
    }
}

pub fn registers(times: u64) {
    let run_loop = RunLoop::new(EpollHub::new().expect("a hub"));
    let (reader, _writer) = io::pipe().expect("a pipe");
    let reader = Rc::new(reader);
    for _ in 0..times {
        let token = run_loop
            .register(Rc::clone(&reader), |_, _, _, _| ())
            .expect("a pipe can be watched");
        run_loop
            .arm(token, Interest::READABLE)
            .expect("it is there");
        run_loop.deregister(token).expect("it is there");
    }
}
