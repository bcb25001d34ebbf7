//! What a hub does beside telling who is ready: taking descriptors in and out, being woken from another
//! thread, and ending a wait in time. By [`ours`], any hub, and by [`bare`] epoll, [`mio`] and
//! [`polling`].

pub mod bare;
pub mod mio;
pub mod ours;
pub mod polling;

use std::fs::File;
use std::io;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use eventlet_benches::contest::{timed, timed_by};
use eventlet_benches::cpu::Clock;
use eventlet_benches::ring::Ring;

/// How long each wait of [`lateness`] is to take: shorter than the millisecond some of them count in.
pub const NAP: Duration = Duration::from_micros(300);

/// An event notification facility, empty at first.
pub trait Facility: Sized {
    /// What wakes it from another thread.
    type Waker: Send + 'static;

    fn open() -> io::Result<Self>;

    /// Takes a descriptor in, for reading, for as long as this lives.
    fn keep(&mut self, file: &Rc<File>) -> io::Result<()>;

    /// Takes a descriptor in, for reading, and out again.
    fn churn(&mut self, file: &Rc<File>) -> io::Result<()>;

    fn waker(&self) -> io::Result<Self::Waker>;

    fn wake(waker: &Self::Waker) -> io::Result<()>;

    /// Waits once; what was reported is of no interest.
    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()>;
}

/// A descriptor in and out, so many times, beside those of the ring.
pub fn churn<F: Facility>(ring: &Ring, times: u64) -> Duration {
    let mut facility = F::open().expect("a facility");
    let (last, others) = ring.pipes().split_last().expect("a ring is not empty");
    for other in others {
        facility.keep(other).expect("it can be watched");
    }
    timed(times, || facility.churn(last).expect("it can be watched"))
}

/// Two threads that wake each other in turn, there and back; by the time that passes.
pub fn wake_ups<F: Facility>(times: u64) -> Duration {
    let (tell, told) = mpsc::channel::<F::Waker>();
    let (answer, answered) = mpsc::channel::<F::Waker>();
    let other = thread::spawn(move || {
        let mut facility = F::open().expect("a facility");
        answer
            .send(facility.waker().expect("a waker"))
            .expect("somebody asks");
        let asker = told.recv().expect("somebody asks");
        for _ in 0..times {
            facility.wait(None).expect("woken");
            F::wake(&asker).expect("it is there");
        }
        // Closing it could come before the last wake-up is seen.
        asker
    });
    let mut facility = F::open().expect("a facility");
    tell.send(facility.waker().expect("a waker"))
        .expect("somebody answers");
    let asked = answered.recv().expect("somebody answers");
    let elapsed = timed_by(Clock::Elapsed, times, || {
        F::wake(&asked).expect("it is there");
        facility.wait(None).expect("woken");
    });
    drop(other.join().expect("the thread ends"));
    elapsed
}

/// How much too late so many waits of [`NAP`] end, all together. Too early is a fault.
pub fn lateness<F: Facility>(times: u64) -> Duration {
    let mut facility = F::open().expect("a facility");
    (0..times)
        .map(|_| {
            let begun = Instant::now();
            while begun.elapsed() < NAP {
                let left = NAP.saturating_sub(begun.elapsed());
                facility.wait(Some(left)).expect("time passes");
            }
            begun.elapsed() - NAP
        })
        .sum()
}
