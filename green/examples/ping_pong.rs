//! Two coroutines send a number to and fro: what a round trip through each kind of channel costs.
//!
//! ```text
//! cargo run --release -p eventlet-green --example ping_pong -- 1000000
//! ```
//!
//! A round trip is two sends, two receives and two switches of coroutines.

use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use eventlet_green::channel::{self, Capacity, Receiver, Sender};
use eventlet_green::{select, spawn};

const DEFAULT_TRIPS: u64 = 100_000;
/// More would take hours.
const MOST: u64 = 10_000_000_000;

type Pair = (Sender<u64>, Receiver<u64>);
type Make = fn() -> Pair;

fn main() -> ExitCode {
    let trips = match env::args().nth(1).map(|text| text.parse()) {
        None => DEFAULT_TRIPS,
        Some(Ok(trips)) if (1..=MOST).contains(&trips) => trips,
        Some(_) => {
            eprintln!("usage: ping_pong [TRIPS], from 1 to {MOST}");
            return ExitCode::FAILURE;
        }
    };
    let kinds: [(&str, Make); 5] = [
        ("rendezvous", channel::rendezvous),
        ("bounded(1)", || channel::bounded(1)),
        ("unbounded", channel::unbounded),
        ("lifo", || channel::lifo(Capacity::Unbounded)),
        ("priority", || channel::priority(Capacity::Unbounded)),
    ];
    for (name, kind) in kinds {
        let time = play(trips, kind(), kind(), |receiver| receiver.recv().ok());
        println!("{name:12} {} ns a round trip", nanos(time, trips));
    }
    let (_open, never) = channel::rendezvous::<()>();
    let select_among_two = move |receiver: &Receiver<u64>| {
        select! {
            number = receiver.receiving() => number.ok(),
            _ = never.receiving() => None,
        }
        .ok()?
    };
    let (there, back) = (channel::unbounded(), channel::unbounded());
    let time = play(trips, there, back, select_among_two);
    println!(
        "{:12} {} ns a round trip",
        "select! of 2",
        nanos(time, trips)
    );
    ExitCode::SUCCESS
}

fn play(
    trips: u64,
    (ping, pinged): Pair,
    (pong, ponged): Pair,
    receive: impl Fn(&Receiver<u64>) -> Option<u64> + Clone + 'static,
) -> Duration {
    let theirs = receive.clone();
    let echo = spawn(move || {
        while let Some(number) = theirs(&pinged) {
            if pong.send(number + 1).is_err() {
                break;
            }
        }
    });
    let player = spawn(move || {
        let start = Instant::now();
        let mut number = 0;
        for _ in 0..trips {
            ping.send(number).expect("the echo listens");
            number = receive(&ponged).expect("the echo answers");
        }
        assert_eq!(number, trips);
        start.elapsed()
    });
    let time = player.join().expect("nobody fails");
    echo.join().expect("nobody fails");
    time
}

fn nanos(time: Duration, count: u64) -> u128 {
    time.as_nanos() / u128::from(count)
}
