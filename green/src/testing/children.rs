//! Tests that need a process of their own: the test binary starts itself again for one test.
//!
//! For what belongs to the whole process (signals, limits, the environment, forks, the descriptors
//! that are open), and for what ends it.

use std::io;
use std::process::Command;

use super::each_hub::each_hub;
use super::harness::Harness;
use crate::HUB_VARIABLE;

/// Set in a process that is a test's child.
const CHILD_VARIABLE: &str = "EVENTLET_TEST_CHILD";

/// Whether this process was started by [`child_command`] or [`in_children`].
///
/// # Examples
///
/// ```
/// assert!(!eventlet_green::testing::is_child());
/// ```
pub fn is_child() -> bool {
    std::env::var_os(CHILD_VARIABLE).is_some()
}

/// A command that runs this binary's test of the given name (with its modules) alone, in a process
/// for which [`is_child`] holds.
///
/// # Errors
///
/// What the system gives for the path of this program.
///
/// # Examples
///
/// ```no_run
/// use eventlet_green::testing::{child_command, is_child};
///
/// # fn attribute() {
/// // #[test]
/// fn it_aborts() {
///     if is_child() {
///         std::process::abort();
///     }
///     let output = child_command("it_aborts").unwrap().output().unwrap();
///     assert!(!output.status.success());
/// }
/// # it_aborts();
/// # }
/// ```
pub fn child_command(test: &str) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--exact", test, "--nocapture"])
        .env(CHILD_VARIABLE, "1")
        .env_remove("RUST_BACKTRACE");
    Ok(command)
}

/// Runs the body once under each hub, each time in a process of its own, on the thread of the test
/// in it; with a watchdog and a check that nothing is left behind, no open descriptor either.
///
/// `test` is the name of the calling test, with its modules: in the child this function is reached
/// again, and runs the body.
///
/// # Panics
///
/// If a child fails: with all that it wrote. If there is no test of that name.
///
/// # Examples
///
/// ```no_run
/// use eventlet_green::testing::in_children;
///
/// // #[test]
/// fn the_working_directory_can_be_changed() {
///     in_children("the_working_directory_can_be_changed", || {
///         std::env::set_current_dir("/").unwrap();
///     });
/// }
/// # the_working_directory_can_be_changed();
/// ```
#[track_caller]
pub fn in_children(test: &str, body: impl Fn() + Sync) {
    if is_child() {
        Harness::new().default_hub().run_here(body);
        return;
    }
    for hub in each_hub() {
        let output = child_command(test)
            .and_then(|mut command| command.env(HUB_VARIABLE, &hub).output())
            .unwrap_or_else(|error| panic!("cannot start a child: {error}"));
        assert!(
            output.status.success(),
            "the child of {test} [{hub}] failed: {}\n{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(told.contains("running 1 test"), "there is no test {test}");
    }
}
