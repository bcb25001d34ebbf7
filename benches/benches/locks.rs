//! A mutex and a semaphore against their peers: handed from one task to the next, among 2 and among 100 on one thread.
//!
//! One operation is a hand-off: a task that has the lock counts, gives it back and asks for it again,
//! while all the others stand in line for it. Ours, tokio's (on its local tasks) and `may`'s (with
//! one worker) all give the lock to the one who has waited longest, so that the tasks take turns; that
//! they have done so is checked. The clock starts when all of them stand in line.
//!
//! `semaphore`: a permit there and back between two tasks.
//!
//! How noise is held down: see `eventlet_benches::contest`; everybody works on one thread.

#![forbid(unsafe_code)]
#![allow(missing_docs)] // `criterion_group!` makes a public function without docs.

mod semaphores;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use eventlet_benches::contest::{self, Contest};
use eventlet_benches::cpu::Stopwatch;
use eventlet_benches::tokio_local;

/// How many tasks hand the lock to each other.
const TASKS: [usize; 2] = [2, 100];

/// What the lock guards: when each task had it last, what is left to do, and the clock.
struct Turns {
    /// By task. What comes before the first is taken for a turn at the right time.
    last: Vec<Option<u64>>,
    left: u64,
    out_of_turn: u64,
    begun: Option<Stopwatch>,
    elapsed: Option<Duration>,
}

impl Turns {
    fn new(tasks: usize, times: u64) -> Turns {
        Turns {
            last: vec![None; tasks],
            left: times,
            out_of_turn: 0,
            begun: None,
            elapsed: None,
        }
    }

    /// Said by the one who has the lock. Says whether it is to ask for it again.
    #[inline]
    fn take(&mut self, task: usize) -> bool {
        if self.left == 0 {
            let begun = self.begun.expect("a turn after the beginning");
            self.elapsed.get_or_insert_with(|| begun.elapsed());
            return false;
        }
        self.begun.get_or_insert_with(Stopwatch::start);
        let tasks = self.last.len() as u64;
        // All others have had it in between, nobody of them twice.
        let last = self.last[task].replace(self.left);
        self.out_of_turn += u64::from(last.is_some_and(|last| last - self.left != tasks));
        self.left -= 1;
        true
    }

    /// What the turns took, once all tasks have ended.
    fn elapsed(&self) -> Duration {
        assert_eq!((self.left, self.out_of_turn), (0, 0), "they took turns");
        self.elapsed.expect("all tasks have ended")
    }
}

fn ours(tasks: usize, times: u64) -> Duration {
    use eventlet_green::sync::Mutex;
    use eventlet_green::{spawn, yield_now};

    let turns = Rc::new(Mutex::new(Turns::new(tasks, times)));
    // Held until all of them stand in line.
    let first = turns.lock().expect("it may wait");
    let handles: Vec<_> = (0..tasks)
        .map(|task| {
            let turns = Rc::clone(&turns);
            spawn(move || while turns.lock().expect("it may wait").take(task) {})
        })
        .collect();
    while turns.waiting() < tasks {
        yield_now();
    }
    drop(first);
    for handle in handles {
        handle.join().expect("the task ends");
    }
    turns.lock().expect("it may wait").elapsed()
}

fn may(tasks: usize, times: u64) -> Duration {
    use may::go;
    use may::sync::{Mutex, mpsc};

    let outer = go!(move || {
        let turns = Arc::new(Mutex::new(Turns::new(tasks, times)));
        let (arrive, arrived) = mpsc::channel();
        let first = turns.lock().expect("nobody has panicked");
        let handles: Vec<_> = (0..tasks)
            .map(|task| {
                let (turns, arrive) = (Arc::clone(&turns), arrive.clone());
                go!(move || {
                    // With one worker, who has said so stands in line before another runs.
                    arrive.send(()).expect("somebody counts");
                    while turns.lock().expect("nobody has panicked").take(task) {}
                })
            })
            .collect();
        // Not by giving way: that would keep the worker from its second queue, which they are in.
        for _ in 0..tasks {
            arrived.recv().expect("all of them come");
        }
        drop(first);
        for handle in handles {
            handle.join().expect("the task ends");
        }
        let turns = turns.lock().expect("nobody has panicked");
        turns.elapsed()
    });
    outer.join().expect("the task ends")
}

fn tokio(tasks: usize, times: u64) -> Duration {
    use tokio::sync::Mutex;
    use tokio::task::{spawn_local, yield_now};

    tokio_local::block_on(async {
        let turns = Rc::new(Mutex::new(Turns::new(tasks, times)));
        let first = turns.lock().await;
        let handles: Vec<_> = (0..tasks)
            .map(|task| {
                let turns = Rc::clone(&turns);
                spawn_local(async move { while turns.lock().await.take(task) {} })
            })
            .collect();
        // Local tasks run in batches; after as many chances as there are tasks, each has had one.
        for _ in 0..tasks {
            yield_now().await;
        }
        drop(first);
        for handle in handles {
            handle.await.expect("the task ends");
        }
        turns.lock().await.elapsed()
    })
}

fn hand_offs(criterion: &mut Criterion) {
    // Before anything else, and for good: its tasks stay on one thread.
    may::config()
        .set_workers(1)
        .set_pool_capacity(TASKS[TASKS.len() - 1]);
    for tasks in TASKS {
        Contest::new(format!("mutex/{tasks}"))
            .ours("eventlet", || Box::new(move |times| ours(tasks, times)))
            .peer("tokio-local", || Box::new(move |times| tokio(tasks, times)))
            .peer("may", || Box::new(move |times| may(tasks, times)))
            .hold(criterion);
    }
}

fn round_trips(criterion: &mut Criterion) {
    Contest::new("semaphore")
        .ours("eventlet", || Box::new(semaphores::ours))
        .peer("tokio-local", || Box::new(semaphores::tokio))
        .peer("may", || Box::new(semaphores::may))
        .hold(criterion);
}

criterion_group! {
    name = benches;
    config = contest::criterion();
    targets = hand_offs, round_trips
}
criterion_main!(benches);
