//! A producer, a bounded queue, four workers; and an end at which nothing is lost.
//!
//! ```text
//! cargo run --example producer_consumer            # a thousand jobs
//! cargo run --example producer_consumer -- 1000000 # and Ctrl-C
//! ```
//!
//! The queue holds `PLACES` jobs, so the producer is no faster than its workers. At the last job,
//! or at Ctrl-C, it goes, and with it the last sender: the workers do what is queued, and end; and
//! their end ends the sum.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use eventlet::channel::{self, Receiver, Sender};
use eventlet::signals::{STOP, Signals};
use eventlet::{ParkError, select, sleep, spawn};

/// How many jobs may wait for a worker.
const PLACES: usize = 8;
const WORKERS: usize = 4;
const DEFAULT_JOBS: u64 = 1000;
/// What a job takes, besides thinking: it waits for somebody else, as jobs do.
const TAKES: Duration = Duration::from_millis(1);

/// Queues the jobs until there are no more, or until it is told to stop. Says how many it queued.
fn produce(count: u64, jobs: &Sender<u64>, stopped: &Receiver<()>) -> Result<u64, ParkError> {
    for job in 1..=count {
        let goes_on = select! {
            sent = jobs.sending(job) => sent.is_ok(),
            // Never a value: it is closed.
            _ = stopped.receiving() => false,
        }?;
        if !goes_on {
            return Ok(job - 1);
        }
    }
    Ok(count)
}

/// Does jobs until there are no more. Says how many it did.
fn work(jobs: Receiver<u64>, results: &Sender<u64>) -> u64 {
    let mut done = 0;
    for job in jobs {
        sleep(TAKES);
        if results.send(2 * job).is_err() {
            break;
        }
        done += 1;
    }
    done
}

fn run() -> Result<(), Box<dyn Error>> {
    let count = match std::env::args().nth(1) {
        None => DEFAULT_JOBS,
        Some(word) => word.parse().map_err(|error| format!("{word}: {error}"))?,
    };
    let signals = Signals::new(&STOP)?;
    let (stop, stopped) = channel::rendezvous();
    spawn(move || signals.wait().map(|_| stop.close()));

    let (jobs, queue) = channel::bounded(PLACES);
    let producer = spawn(move || produce(count, &jobs, &stopped));
    let (results, finished) = channel::bounded(PLACES);
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| {
            let (queue, results) = (queue.clone(), results.clone());
            spawn(move || work(queue, &results))
        })
        .collect();
    // Only those who use them hold them on.
    drop((queue, results));

    println!("at work");
    let sum: u64 = finished.iter().sum();
    let produced = producer.join()??;
    println!("{produced} produced");
    for (number, worker) in workers.into_iter().enumerate() {
        println!("{} done by worker {number}", worker.join()?);
    }
    println!("sum {sum}, expected {}", produced * (produced + 1));
    Ok(())
}

fn main() -> ExitCode {
    let outcome = run().inspect_err(|error| eprintln!("producer_consumer: {error}"));
    ExitCode::from(u8::from(outcome.is_err()))
}
