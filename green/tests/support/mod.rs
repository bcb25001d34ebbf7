//! What the tests of this package share beside the kit: more names for it, and what only tests of a
//! scheduler need.
//!
//! Running under every hub, the watchdog, the check that nothing is left behind, children and seeds
//! are the kit's ([`eventlet_green::testing`]); here they are only named again. No test waits by
//! sleeping: it joins, yields until something is so, or has a clock that jumps. What needs `unsafe`
//! stands in [`sys`].

#![allow(dead_code, unused_imports)] // every test binary uses its own part of this

pub mod sockets;
#[cfg(unix)]
pub mod sys;
pub mod waiting;

use std::process::{Command, Output};

pub use eventlet_green::testing::{
    Dice, Watchdog, assert_nothing_is_left, in_children, is_child, on_each_hub,
    on_each_hub_jumping, on_fresh_thread, seed, until, until_parked,
};

use eventlet_green::net::TcpStream;
use eventlet_green::testing;
use eventlet_green::{HUB_VARIABLE, hubs, stats};

/// Two connected streams: who connected, and who accepted.
pub fn pair() -> (TcpStream, TcpStream) {
    testing::tcp_pair().unwrap()
}

/// More than the kernel ever takes of a stream that nobody reads: writing so much has to wait.
pub fn flood() -> Vec<u8> {
    vec![b'.'; 64 << 20]
}

/// How many coroutines a test may hold beside others that do so in the same process: `wanted`, or as
/// few as the kernel's limit of mappings leaves to each where a guard takes mappings of its own. On Windows
/// guards are memory that counts. What many of them cost is the same under every hub, so they are many
/// under the default one only.
pub fn crowd(wanted: usize) -> usize {
    let is_default_hub = hubs().next() == Some(stats().hub);
    if !is_default_hub {
        wanted.min(2_000)
    } else if guards_take_mappings() || cfg!(feature = "engine-may") {
        wanted.min(5_000)
    } else {
        wanted
    }
}

/// Whether it was built so, or the kernel is older than `MADV_GUARD_INSTALL` (Linux 6.13).
fn guards_take_mappings() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split('.').map(|number| number.parse().unwrap_or(0));
    let version: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    cfg!(any(eventlet_mprotect_guard, windows)) || version < (6, 13)
}

/// Runs one test of this binary in a process of its own under a hub, and gives what it printed.
pub fn run_child(test: &str, hub: &str) -> Output {
    let output = child_command(test).env(HUB_VARIABLE, hub).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("running 1 test"), "there is no test {test}");
    output
}

/// The command that [`run_child`] runs, for more settings.
pub fn child_command(test: &str) -> Command {
    testing::child_command(test).unwrap()
}

/// Runs the body where there may be a loop, in a process that does nothing else.
pub fn in_run<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    eventlet_green::run(body).expect("a loop")
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

/// Counts its end in what it borrows: whoever reads that knows that the borrower is gone.
pub struct Borrower<'a>(pub &'a std::cell::Cell<u32>);

impl Drop for Borrower<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// The message of a panic.
pub fn text(payload: &(dyn std::any::Any + Send)) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}
