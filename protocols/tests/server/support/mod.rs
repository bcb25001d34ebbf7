//! Running a test under every hub with a watchdog, and a server to talk to. The client is in
//! [`client`].
//!
//! No test waits by sleeping: peers are coroutines of the same loop, and where time matters the
//! clock jumps.

pub mod client;

use std::io::{self, Read, Write as _};
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use eventlet_green::net::TcpListener;
use eventlet_green::{JoinHandle, Setup, hubs, spawn, stats, yield_now};
use eventlet_protocols::server::{Body, Config, Handler, RequestBody, Server, ServerHandle};
use eventlet_runloop::ManualClock;
use http::{Request, Response};

pub use client::{Client, Reply};

/// How long a test may take under one hub; slow tools set a larger number of seconds in
/// `EVENTLET_TEST_PATIENCE`.
const PATIENCE: Duration = Duration::from_secs(60);

/// Set in a process that is a test's child.
const CHILD_VARIABLE: &str = "EVENTLET_TEST_CHILD";

/// How long a server that is stopped by a test may finish what it is doing: never needed.
const GRACE: Duration = Duration::from_secs(3600);

/// Runs the body under each hub, on a thread of its own, and checks that nothing is left behind.
pub fn on_each_hub(body: fn()) {
    for hub in hubs() {
        on_thread(hub, move || {
            Setup::new().hub(hub).install().unwrap();
            body();
        });
    }
}

/// As [`on_each_hub`], with a clock that jumps to the next deadline when nothing else is left to do.
pub fn on_each_hub_jumping(body: fn(&ManualClock)) {
    for hub in hubs() {
        on_thread(hub, move || {
            let clock = ManualClock::auto_advancing();
            Setup::new()
                .hub(hub)
                .clock(clock.clone())
                .install()
                .unwrap();
            body(&clock);
        });
    }
}

fn on_thread(hub: &'static str, body: impl FnOnce() + Send + 'static) {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let label = format!("{test} [{hub}]");
    let _watchdog = watchdog(label.clone());
    let run = move || {
        body();
        let left = stats();
        let left = (left.coroutines, left.timers, left.descriptors);
        assert_eq!(left, (0, 0, 0), "coroutines, timers, descriptors are left");
    };
    let thread = thread::Builder::new().name(label).spawn(run).unwrap();
    if let Err(panic) = thread.join() {
        resume_unwind(panic);
    }
}

/// Aborts the process, naming the test, unless what it gives is dropped in time.
pub fn watchdog(label: String) -> Sender<()> {
    let (alive, ended) = channel();
    let patience = std::env::var("EVENTLET_TEST_PATIENCE")
        .ok()
        .and_then(|text| text.parse().ok())
        .map_or(PATIENCE, Duration::from_secs);
    thread::spawn(move || {
        if ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            // Not `eprintln`, which the test harness catches.
            let text = format!("{label} hangs: no end after {patience:?}\n");
            let _ = io::stderr().write_all(text.as_bytes());
            std::process::abort();
        }
    });
    alive
}

/// Yields until something is so. The watchdog ends what never is.
pub fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        yield_now();
    }
}

/// Whether this process is a test's child.
pub fn is_child() -> bool {
    std::env::var_os(CHILD_VARIABLE).is_some()
}

/// A command that runs one test of this binary as a child, with a limit of descriptors if one is
/// given.
pub fn child(test: &str, descriptors: Option<u32>) -> Command {
    let binary = std::env::current_exe().unwrap();
    let mut command = match descriptors {
        None => Command::new(binary),
        Some(most) => {
            let mut shell = Command::new("sh");
            let script = format!("ulimit -n {most} && exec \"$0\" \"$@\"");
            shell.arg("-c").arg(script).arg(binary);
            shell
        }
    };
    command
        .args(["--exact", test, "--nocapture"])
        .env(CHILD_VARIABLE, "1");
    command
}

/// A server that runs in a coroutine of this thread.
pub struct Running {
    pub address: SocketAddr,
    pub handle: ServerHandle,
    serving: JoinHandle<io::Result<()>>,
}

impl Running {
    pub fn new(handler: impl Handler) -> Self {
        Self::with(Config::new(), handler)
    }

    pub fn with(config: Config, handler: impl Handler) -> Self {
        let server = Server::with_config(handler, config);
        let handle = server.handle();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = spawn(move || server.serve(listener));
        Running {
            address,
            handle,
            serving,
        }
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// One request on a connection of its own; the server has to end it.
    pub fn ask_once(&self, request: &[u8]) -> Reply {
        let mut client = self.connect();
        let reply = client.ask(request);
        client.expect_end();
        reply
    }

    pub fn until_open(&self, count: usize) {
        until(|| self.handle.status().open == count);
    }

    /// Waits until all clients are gone, stops the server and waits for its end.
    pub fn end(self) {
        self.until_open(0);
        self.stop();
    }

    /// Stops the server, whoever is connected, and waits for its end.
    pub fn stop(self) {
        self.handle.stop(GRACE);
        self.join();
    }

    /// Waits for the end of a server that has been stopped.
    pub fn join(self) {
        self.serving.join().unwrap().unwrap();
        assert_eq!(self.handle.status().open, 0);
        assert_eq!(self.handle.status().busy, 0);
    }

    pub fn is_serving(&self) -> bool {
        !self.serving.is_finished()
    }

    /// Kills the coroutine that serves.
    pub fn kill(self) {
        self.serving.kill().unwrap();
        assert!(self.serving.join().is_err());
    }
}

/// Answers the path of the request.
pub fn path(request: Request<RequestBody>) -> Response<Body> {
    Response::new(Body::from(request.uri().path().to_owned()))
}

/// Streams the body back as it comes, with its length if it has one.
pub fn echo(request: Request<RequestBody>) -> Response<Body> {
    let body = request.into_body();
    Response::new(match body.remaining() {
        Some(length) => Body::sized_reader(length, body),
        None => Body::reader(body),
    })
}

/// Reads the whole body, then answers with it; an error becomes 500.
pub fn whole(request: Request<RequestBody>) -> io::Result<Response<Body>> {
    let mut body = Vec::new();
    request.into_body().read_to_end(&mut body)?;
    Ok(Response::new(Body::from(body)))
}
