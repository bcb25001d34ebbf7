//! What the tests share: running a body under every hub, a watchdog, children, sockets.
//!
//! No test waits by sleeping: it joins, yields until something is so, or has a clock that jumps.
//! What needs `unsafe` stands in [`sys`].

#![allow(dead_code)] // every test binary uses its own part of this

pub mod sockets;
pub mod sys;
pub mod waiting;

use std::io::Write;
use std::panic::resume_unwind;
use std::process::{Command, Output};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::{HUB_VARIABLE, JoinHandle, Setup, State, hubs, spawn, stats, yield_now};
use eventlet_runloop::ManualClock;

/// How long a test may take under one hub; slow tools (valgrind) set a larger number of seconds in
/// [`PATIENCE_VARIABLE`].
const PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE_VARIABLE: &str = "EVENTLET_TEST_PATIENCE";

/// Set in a process that is a test's child.
const CHILD_VARIABLE: &str = "EVENTLET_TEST_CHILD";

/// Runs the body once under each hub that is compiled in, each time on a fresh thread by the
/// system's clock, and checks that nothing is left behind.
#[track_caller]
pub fn on_each_hub(body: fn()) {
    for hub in hubs() {
        on_thread(hub, body);
    }
}

/// As [`on_each_hub`], with a clock that jumps to the next deadline whenever nothing else is left
/// to do: an hour takes no time, and the clock says exactly how much has passed.
#[track_caller]
pub fn on_each_hub_jumping(body: fn(&ManualClock)) {
    for hub in hubs() {
        on_thread_jumping(hub, body);
    }
}

#[track_caller]
fn on_thread_jumping(hub: &'static str, body: fn(&ManualClock)) {
    let clock = ManualClock::auto_advancing();
    let handed_in = clock.clone();
    let _watchdog = Watchdog::new(hub);
    join_loudly(thread::Builder::new().name(label(hub)).spawn(move || {
        Setup::new().hub(hub).clock(handed_in).install().unwrap();
        body(&clock);
        assert_nothing_is_left();
    }));
}

#[track_caller]
fn on_thread(hub: &'static str, body: fn()) {
    let _watchdog = Watchdog::new(hub);
    join_loudly(thread::Builder::new().name(label(hub)).spawn(move || {
        Setup::new().hub(hub).install().unwrap();
        body();
        assert_nothing_is_left();
    }));
}

fn join_loudly(thread: std::io::Result<thread::JoinHandle<()>>) {
    if let Err(panic) = thread.unwrap().join() {
        resume_unwind(panic);
    }
}

/// The test's name with the hub's, for the thread.
fn label(hub: &str) -> String {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    format!("{test} [{hub}]")
}

/// Checks that the thread's loop has nothing left of what a test did.
#[track_caller]
pub fn assert_nothing_is_left() {
    let left = stats();
    assert_eq!(left.coroutines, 0, "coroutines are left");
    assert_eq!(left.timers, 0, "timers are left");
    assert_eq!(left.descriptors, 0, "descriptors are left");
}

/// Aborts the process, naming the test, unless it is dropped in time.
pub struct Watchdog(Option<Sender<()>>);

impl Watchdog {
    pub fn new(hub: &str) -> Self {
        let (alive, ended) = channel();
        let label = label(hub);
        let patience = std::env::var(PATIENCE_VARIABLE)
            .ok()
            .and_then(|text| text.parse().ok())
            .map_or(PATIENCE, Duration::from_secs);
        thread::spawn(move || {
            if ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                // Not `eprintln`, which the test harness catches.
                let text = format!("{label} hangs: no end after {patience:?}\n");
                let _ = std::io::stderr().write_all(text.as_bytes());
                std::process::abort();
            }
        });
        Watchdog(Some(alive))
    }
}

/// Yields until something is so. The watchdog ends what never is.
pub fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        yield_now();
    }
}

/// Yields until a coroutine has parked.
pub fn until_parked<T>(handle: &JoinHandle<T>) {
    until(|| handle.state() == State::Parked);
}

/// Two connected streams: who connected, and who accepted.
pub fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = spawn(move || TcpStream::connect(address).unwrap());
    let (server, _) = listener.accept().unwrap();
    (client.join().unwrap(), server)
}

/// More than the kernel ever takes of a stream that nobody reads: writing so much has to wait.
pub fn flood() -> Vec<u8> {
    vec![b'.'; 64 << 20]
}

/// Whether this process was started by [`run_child`].
pub fn is_child() -> bool {
    std::env::var_os(CHILD_VARIABLE).is_some()
}

/// Runs one test of this binary in a process of its own under a hub, and gives what it printed.
pub fn run_child(test: &str, hub: &str) -> Output {
    child_command(test).env(HUB_VARIABLE, hub).output().unwrap()
}

/// The command that [`run_child`] runs, for more settings.
pub fn child_command(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env(CHILD_VARIABLE, "1")
        .env_remove("RUST_BACKTRACE");
    command
}

/// What a process wrote to standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Fails unless the child ended well.
#[track_caller]
pub fn assert_success(output: &Output) {
    assert!(
        output.status.success(),
        "the child failed: {:?}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        stderr(output)
    );
}

/// Puts its text into a shared record when it is dropped.
pub struct Noted(
    pub std::rc::Rc<std::cell::RefCell<Vec<&'static str>>>,
    pub &'static str,
);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.borrow_mut().push(self.1);
    }
}

/// A record that [`Noted`] values write to.
pub fn record() -> std::rc::Rc<std::cell::RefCell<Vec<&'static str>>> {
    std::rc::Rc::default()
}

/// A small generator of numbers with a seed to print: xorshift64*, Vigna 2016.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.max(1))
    }

    pub fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % below
    }
}

/// A seed: from `EVENTLET_SEED` in the environment, to repeat a run, else a new one.
pub fn seed() -> u64 {
    match std::env::var("EVENTLET_SEED") {
        Ok(text) => text.parse().expect("EVENTLET_SEED is a number"),
        Err(_) => std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(1, |since| since.as_nanos() as u64),
    }
}
