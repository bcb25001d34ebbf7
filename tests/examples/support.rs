//! Running the examples: where they are, how they are started, ended, and kept from hanging.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// How long a test may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a peer is waited for.
pub const ANSWER: Duration = Duration::from_secs(30);

const HUBS: [&str; 3] = ["epoll", "poll", "select"];

/// Runs the body under each hub, if the example is built; aborts the process if it hangs.
pub fn under_each_hub(example: &str, test: &str, body: impl Fn(&str)) {
    if !binary(example).exists() {
        loudly(&format!(
            "SKIPPED {test}: {example} is built by cargo test without --test"
        ));
        return;
    }
    let _watchdog = watchdog(test.to_owned());
    for hub in HUBS {
        body(hub);
    }
}

/// To standard error itself: the test harness catches `eprintln`.
pub fn loudly(text: &str) {
    let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
}

fn watchdog(test: String) -> Sender<()> {
    let (alive, ended) = channel();
    thread::spawn(move || {
        if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            loudly(&format!("{test} hangs: no end after {PATIENCE:?}"));
            std::process::abort();
        }
    });
    alive
}

/// Cargo puts examples next to the folder of the tests.
fn binary(example: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a path to this test");
    let folder = test.ancestors().nth(2).expect("a folder above it");
    folder.join("examples").join(example)
}

/// The example, to be started with that hub.
pub fn command(example: &str, hub: &str) -> Command {
    let mut command = Command::new(binary(example));
    command
        .env("EVENTLET_HUB", hub)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub fn signal(process: &Child, name: &str) {
    let script = format!("kill -{name} {}", process.id());
    let status = Command::new("sh").args(["-c", &script]).status().unwrap();
    assert!(status.success(), "kill -{name}");
}

/// A running example; killed when it is dropped.
pub struct Program {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    pub fn start(example: &str, hub: &str, arguments: &[&str]) -> Self {
        let mut process = command(example, hub).args(arguments).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Program { process, lines }
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        self.lines.next().expect("a line").unwrap()
    }

    /// Where it says that it listens.
    pub fn address(&mut self) -> String {
        let line = self.line();
        let address = line.strip_prefix("listening on ");
        address.expect("an address").to_owned()
    }

    pub fn signal(&self, name: &str) {
        signal(&self.process, name);
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it still prints until it has ended by itself, without a fault and without complaints.
    pub fn end(mut self) -> Vec<String> {
        let rest = self.lines.by_ref().collect::<Result<_, _>>().unwrap();
        let mut errors = String::new();
        let mut pipe = self.process.stderr.take().unwrap();
        pipe.read_to_string(&mut errors).unwrap();
        let status = self.process.wait().unwrap();
        assert_eq!((status.code(), &*errors), (Some(0), ""));
        rest
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A client that gives up instead of waiting for ever.
pub fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(ANSWER)).unwrap();
    stream.set_write_timeout(Some(ANSWER)).unwrap();
    stream
}

/// Ends by itself with status 1, and one line that says what is wrong.
#[track_caller]
pub fn assert_refusal(example: &str, hub: &str, arguments: &[&str], told: &str) {
    assert_refusal_with(1, example, hub, arguments, told);
}

/// As [`assert_refusal`], with another status.
#[track_caller]
pub fn assert_refusal_with(status: i32, example: &str, hub: &str, arguments: &[&str], told: &str) {
    let output = command(example, hub).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.starts_with(&format!("{example}: ")), "{errors}");
    assert!(errors.contains(told), "no {told} in {errors}");
}
