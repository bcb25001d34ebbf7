//! Models of a value from one thread to another, once (offloading, remote joins), and of the pool of
//! threads behind offloading. Every interleaving is tried; run by `ci/loom.sh`.
#![cfg(loom)]

use std::time::Duration;

use eventlet_green::between_threads::Wake;
use eventlet_green::between_threads::answer::{Answer, Found};
use eventlet_green::between_threads::bed::Bed;
use eventlet_green::between_threads::jobs::{Jobs, Pushed};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

/// How many times a thread is interrupted where it does not wait, in the larger models: the faults of
/// such code show with two; see Musuvathi and Qadeer, PLDI 2007.
const BOUND: usize = 2;

/// A thread that sleeps.
struct Sleeper(Arc<Bed>);

impl Wake for Sleeper {
    fn wake(self) {
        self.0.wake();
    }
}

/// Counts its drops.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn an_answer_comes_through() {
    loom::model(|| {
        let answer = Arc::new(Answer::<u32, Sleeper>::new());
        let theirs = Arc::clone(&answer);
        let giver = thread::spawn(move || theirs.give(7).unwrap());
        let bed = Arc::new(Bed::new());
        if answer.enlist(Sleeper(Arc::clone(&bed))) == Found::Nothing {
            bed.sleep(None);
        }
        assert!(answer.is_ready());
        assert_eq!(answer.take(), Some(7));
        assert_eq!(answer.take(), None);
        giver.join().unwrap();
    });
}

/// The caller gives up while the value comes: it is dropped once, by one of the two.
#[test]
fn an_abandoned_answer_is_dropped_once() {
    loom::model(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let answer = Arc::new(Answer::<Counted, Sleeper>::new());
        let theirs = Arc::clone(&answer);
        let value = Counted(Arc::clone(&drops));
        let giver = thread::spawn(move || drop(theirs.give(value)));
        let bed = Arc::new(Bed::new());
        let _ = answer.enlist(Sleeper(bed));
        answer.withdraw();
        drop(answer.abandon());
        giver.join().unwrap();
        assert_eq!(drops.load(Ordering::Relaxed), 1);
        assert!(answer.take().is_none());
    });
}

/// Starts what a push asks for; a thread of the pool that goes when there is no work (its patience is
/// none, since the checker knows no time).
fn push(
    jobs: &Arc<Jobs<usize>>,
    job: usize,
    done: &Arc<AtomicUsize>,
) -> Option<thread::JoinHandle<()>> {
    match jobs.push(job) {
        Pushed::Queued => None,
        Pushed::StartOne(_) => {
            let (jobs, done) = (Arc::clone(jobs), Arc::clone(done));
            Some(thread::spawn(move || work(&jobs, &done, Duration::ZERO)))
        }
        other => panic!("{other:?}"),
    }
}

fn work(jobs: &Jobs<usize>, done: &AtomicUsize, patience: Duration) {
    while let Some(job) = jobs.next(patience) {
        done.fetch_add(job, Ordering::Relaxed);
    }
}

/// A thread that is about to go, and a job that comes: it is done by that one or by a new one.
#[test]
fn no_job_is_left_by_a_thread_that_goes() {
    loom::model(|| {
        let jobs = Arc::new(Jobs::new(1));
        let done = Arc::new(AtomicUsize::new(0));
        let first = push(&jobs, 1, &done);
        let second = push(&jobs, 10, &done);
        for thread in [first, second].into_iter().flatten() {
            thread.join().unwrap();
        }
        assert_eq!(done.load(Ordering::Relaxed), 11);
        let counts = jobs.counts();
        assert_eq!((counts.threads, counts.queued, counts.taken), (0, 0, 2));
    });
}

/// Two push, one of whom may have to work, too; the close comes at any time.
#[test]
fn every_job_is_done_before_the_end() {
    let mut model = loom::model::Builder::new();
    // All interleavings with so many forced switches: without the bound it takes hours.
    model.preemption_bound = Some(BOUND);
    model.check(|| {
        let jobs = Arc::new(Jobs::new(2));
        let done = Arc::new(AtomicUsize::new(0));
        let start = |jobs: &Arc<Jobs<usize>>, job| {
            let (jobs, done) = (Arc::clone(jobs), Arc::clone(&done));
            match jobs.push(job) {
                Pushed::Queued => None,
                Pushed::StartOne(_) => {
                    Some(thread::spawn(move || work(&jobs, &done, Duration::MAX)))
                }
                other => panic!("{other:?}"),
            }
        };
        let worker = start(&jobs, 1);
        let (theirs, also_done) = (Arc::clone(&jobs), Arc::clone(&done));
        let pusher = thread::spawn(move || match theirs.push(100) {
            Pushed::Queued => 100,
            Pushed::StartOne(_) => {
                work(&theirs, &also_done, Duration::MAX);
                100
            }
            Pushed::Closed(_) => 0,
            Pushed::NoThreads(_) => panic!("there may be two"),
        });
        jobs.close();
        let late = pusher.join().unwrap();
        worker.unwrap().join().unwrap();
        assert_eq!(done.load(Ordering::Relaxed), 1 + late);
        assert_eq!(jobs.counts().threads, 0);
    });
}

/// A thread that cannot be started: the job comes back, unless another takes it.
#[test]
fn a_thread_that_cannot_be_started() {
    loom::model(|| {
        let jobs = Arc::new(Jobs::new(2));
        let done = Arc::new(AtomicUsize::new(0));
        let worker = push(&jobs, 1, &done);
        let back = match jobs.push(10) {
            Pushed::StartOne(number) => jobs.start_failed(number).unwrap_or(0),
            Pushed::Queued => 0,
            other => panic!("{other:?}"),
        };
        if let Some(worker) = worker {
            worker.join().unwrap();
        }
        assert_eq!(done.load(Ordering::Relaxed) + back, 11);
        assert_eq!(jobs.counts().queued, 0);
    });
}

/// The limit is lowered while two work: one goes, and no job is left.
#[test]
fn fewer_threads() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(BOUND);
    model.check(|| {
        let jobs = Arc::new(Jobs::new(2));
        let done = Arc::new(AtomicUsize::new(0));
        let workers: Vec<_> = [1, 10, 100]
            .into_iter()
            .filter_map(|job| push(&jobs, job, &done))
            .collect();
        assert_eq!(jobs.set_limit(1), 0);
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(done.load(Ordering::Relaxed), 111);
        assert_eq!(jobs.counts().threads, 0);
    });
}
