//! A server to talk to, and the kit's names. The client is in [`client`]; running a test under every
//! hub with a watchdog is the kit's ([`eventlet_green::testing`]).
//!
//! No test waits by sleeping: peers are coroutines of the same loop, and where time matters the
//! clock jumps.

pub mod client;

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::net::TcpListener;
use eventlet_green::{JoinHandle, spawn, testing};
use eventlet_protocols::server::{Body, Config, Handler, RequestBody, Server, ServerHandle};
use http::{Request, Response};

pub use client::{Client, Reply};
pub use eventlet_green::testing::{Watchdog, is_child, on_each_hub, on_each_hub_jumping, until};

/// How long a server that is stopped by a test may finish what it is doing: never needed.
const GRACE: Duration = Duration::from_secs(3600);

/// A command that runs one test of this binary as a child, with a limit of descriptors if one is
/// given.
pub fn child(test: &str, descriptors: Option<u32>) -> Command {
    let plain = testing::child_command(test).unwrap();
    let Some(most) = descriptors else {
        return plain;
    };
    // The limit has to be there before the program starts.
    let mut shell = Command::new("sh");
    let script = format!("ulimit -n {most} && exec \"$0\" \"$@\"");
    shell.arg("-c").arg(script).arg(plain.get_program());
    shell.args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
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

/// A writer that keeps what is written, for several who look.
#[derive(Clone, Default)]
pub struct Shared(Rc<RefCell<Vec<u8>>>);

impl Shared {
    /// Takes what has been written.
    pub fn take(&self) -> String {
        String::from_utf8(self.0.take()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
