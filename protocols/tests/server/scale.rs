//! Many idle connections, and a body larger than memory is to be: against a server in a process of
//! its own, whose memory is looked at.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;

use eventlet_green::{HUB_VARIABLE, hubs};
use eventlet_protocols::server::{Body, RequestBody, Server, ServerHandle};
use http::{Request, Response};

use crate::support::{Watchdog, child, echo, is_child};

/// How many idle connections are held, where descriptors allow.
const IDLE: usize = 10_000;

/// Descriptors that are left for everything else.
const RESERVE: usize = 1_000;

/// What `select` can hold, with the same reserve for the server's own.
const IDLE_UNDER_SELECT: usize = 900;

/// `poll` looks at all of them for each request: more would only take long.
const IDLE_UNDER_POLL: usize = 2_000;

/// What an idle connection may take of the server's memory, all told: it has neither a stack nor a
/// buffer. (A hundred thousand are to fit below 800 MB; about one KiB each was measured.)
const KIB_EACH: usize = 4;

/// What may be kept for the next ones when they are gone: stacks and buffers of those pools, and what
/// the allocator has no way to give back.
const KIB_KEPT: usize = 24 * 1024;

/// Figures and notes, to standard error itself: the test harness catches `eprintln`.
macro_rules! say {
    ($($text:tt)*) => {
        let _ = std::io::stderr().write_all(format!("{}\n", format_args!($($text)*)).as_bytes());
    };
}

/// The server that the tests talk to. Does nothing unless it is a test's child.
#[test]
fn server_in_a_child() {
    if !is_child() {
        return;
    }
    let server = std::rc::Rc::new_cyclic(|server: &std::rc::Weak<Server>| {
        let server = server.clone();
        Server::new(
            move |request: Request<RequestBody>| match request.uri().path() {
                "/echo" => echo(request),
                "/nothing" => Response::new(Body::from("0 0 0")),
                _ => report(server.upgrade().map(|server| server.handle())),
            },
        )
    });
    let listener = eventlet_green::net::TcpListener::bind("127.0.0.1:0").unwrap();
    println!("address {}", listener.local_addr().unwrap());
    server.serve(listener).unwrap();
}

/// Open connections, and the process's memory: now and at most, in KiB.
fn report(server: Option<ServerHandle>) -> Response<Body> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = |name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_ascii_whitespace().next());
        number.unwrap_or("0").to_owned()
    };
    let open = server.map_or(0, |server| server.status().open);
    let text = format!("{open} {} {}", kib("VmRSS:"), kib("VmHWM:"));
    Response::new(Body::from(text))
}

struct ServerProcess {
    process: Child,
    address: SocketAddr,
}

impl ServerProcess {
    fn new(hub: &str) -> Self {
        let mut process = child("scale::server_in_a_child", None)
            .env(HUB_VARIABLE, hub)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines
            .map_while(Result::ok)
            // The harness may have put its own words before it on the line.
            .find_map(|line| {
                line.split_once("address ")
                    .map(|(_, address)| address.to_owned())
            })
            .expect("the server says where it listens");
        let address = address.parse().unwrap();
        ServerProcess { process, address }
    }

    /// How many it has open.
    fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.process.id());
        std::fs::read_dir(folder).unwrap().count()
    }

    /// What [`report`] says, asked on a connection that has been used before.
    fn ask(&self, stream: &mut TcpStream) -> [usize; 3] {
        self.ask_for("/", stream)
    }

    fn ask_for(&self, path: &str, stream: &mut TcpStream) -> [usize; 3] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let mut piece = [0; 1024];
        loop {
            let count = stream.read(&mut piece).unwrap();
            assert!(count > 0, "the server has closed");
            answer.extend_from_slice(&piece[..count]);
            let text = String::from_utf8_lossy(&answer);
            if let Some((head, body)) = text.split_once("\r\n\r\n")
                && let Some((_, length)) = head.split_once("Content-Length: ")
                && length.lines().next() == Some(&body.len().to_string())
            {
                let mut numbers = body.split(' ').map(|number| number.parse().unwrap());
                return std::array::from_fn(|_| numbers.next().unwrap());
            }
        }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended by itself; then the test has failed already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How many descriptors a process of this one's may have.
fn descriptors() -> usize {
    let output = Command::new("sh")
        .args(["-c", "ulimit -n"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().unwrap_or(IDLE + RESERVE)
}

/// In a process of its own: ten thousand descriptors here would leave the tests of `select` beside
/// this one with numbers that are too high for it.
#[test]
fn idle_connections_are_held_while_others_are_served() {
    if !is_child() {
        let name = "scale::idle_connections_are_held_while_others_are_served";
        let status = child(name, None).status().unwrap();
        assert!(status.success(), "{status}");
        return;
    }
    let allowed = IDLE.min(descriptors().saturating_sub(RESERVE));
    for hub in hubs() {
        let _watchdog = Watchdog::new(hub);
        let count = match hub {
            "select" => allowed.min(IDLE_UNDER_SELECT),
            "poll" => allowed.min(IDLE_UNDER_POLL),
            _ => allowed,
        };
        if count < IDLE {
            say!("SCALED DOWN: {count} idle connections under {hub}, not {IDLE}");
        }
        let server = ServerProcess::new(hub);
        let mut asking = TcpStream::connect(server.address).unwrap();
        server.ask(&mut asking);
        let [_, before, _] = server.ask(&mut asking);
        let descriptors = server.descriptors();
        let mut idle: Vec<_> = (0..count)
            .map(|_| {
                let mut stream = TcpStream::connect(server.address).unwrap();
                // It has been of use, and then has nothing to say.
                server.ask_for("/nothing", &mut stream);
                stream
            })
            .collect();
        let [open, after, _] = server.ask(&mut asking);
        assert_eq!(open, count + 1, "under {hub}");
        let bytes = (after.saturating_sub(before)) * 1024 / count;
        say!("{count} idle connections under {hub}: {bytes} bytes each");
        assert!(bytes <= KIB_EACH * 1024, "{bytes} bytes each under {hub}");
        // Others are served meanwhile, and so is each of them that wakes up.
        for _ in 0..100 {
            let mut fresh = TcpStream::connect(server.address).unwrap();
            assert_eq!(server.ask(&mut fresh)[0], count + 2);
            drop(fresh);
            while server.ask(&mut asking)[0] > count + 1 {}
        }
        for stream in idle.iter_mut().step_by(97) {
            server.ask(stream);
        }
        // All at once.
        idle.clear();
        while server.ask(&mut asking)[0] > 1 {}
        assert_eq!(server.descriptors(), descriptors, "under {hub}");
        let kept = server.ask(&mut asking)[1].saturating_sub(before);
        say!("{kept} KiB are kept under {hub} when they are gone");
        assert!(kept <= KIB_KEPT, "{kept} KiB kept under {hub}");
    }
}

/// How many of the bytes are an `x`; quick where nearly all are, also without an optimiser.
fn count_x(bytes: &[u8]) -> usize {
    const BLOCK: usize = 256;
    let count = |block: &[u8]| match block == &[b'x'; BLOCK][..block.len()] {
        true => block.len(),
        false => block.iter().filter(|&&byte| byte == b'x').count(),
    };
    bytes.chunks(BLOCK).map(count).sum()
}

/// A hundred megabytes through `/echo`, in both framings, while the server's memory stays flat.
#[test]
fn a_large_echo_takes_no_memory() {
    const LENGTH: usize = 100 * 1024 * 1024;
    const PIECE: usize = 64 * 1024;
    const MOST_KIB: usize = 2 * 1024;
    for hub in hubs() {
        let _watchdog = Watchdog::new(hub);
        let server = ServerProcess::new(hub);
        let mut asking = TcpStream::connect(server.address).unwrap();
        server.ask(&mut asking);
        let [_, before, _] = server.ask(&mut asking);
        for framing in [
            "Transfer-Encoding: chunked".into(),
            format!("Content-Length: {LENGTH}"),
        ] {
            let mut stream = TcpStream::connect(server.address).unwrap();
            let mut writer = stream.try_clone().unwrap();
            let is_chunked = framing.starts_with('T');
            let sending = thread::spawn(move || {
                let head = format!(
                    "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{framing}\r\n\r\n"
                );
                writer.write_all(head.as_bytes()).unwrap();
                for _ in 0..LENGTH / PIECE {
                    let mut piece = Vec::with_capacity(PIECE + 16);
                    if is_chunked {
                        write!(piece, "{PIECE:x}\r\n").unwrap();
                    }
                    piece.resize(piece.len() + PIECE, b'x');
                    if is_chunked {
                        piece.extend_from_slice(b"\r\n");
                    }
                    writer.write_all(&piece).unwrap();
                }
                if is_chunked {
                    writer.write_all(b"0\r\n\r\n").unwrap();
                }
            });
            let mut echoed = 0;
            let mut piece = vec![0; PIECE];
            loop {
                match stream.read(&mut piece).unwrap() {
                    0 => break,
                    count => echoed += count_x(&piece[..count]),
                }
            }
            sending.join().unwrap();
            assert_eq!(echoed, LENGTH);
        }
        let [_, _, most] = server.ask(&mut asking);
        let grown = most.saturating_sub(before);
        say!("an echo of {LENGTH} bytes under {hub} took {grown} KiB");
        assert!(grown <= MOST_KIB, "{grown} KiB under {hub}");
    }
}
