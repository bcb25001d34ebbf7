//! `testbed` under attack: slow clients of `slowhttptest`, more connections than there are descriptors,
//! connections that come and go. Whoever else asks is served meanwhile, and afterwards all is as it was.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::support::{command, loudly, under_each_hub};
use crate::web_server::WebServer;

/// By how much memory may differ from one look to the next although nothing is lost.
const SLACK_KIB: usize = 256;

/// A load is repeated until it takes no more memory than it did before, at most so often: what is kept
/// for the next one (stacks, buffers) grows to what the largest needed, a leak grows each time.
const ROUNDS: usize = 10;

const PLAINTEXT: &[u8] = b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n";

/// Connections with slow heads, and as many with slow bodies: what `select` can hold.
const SLOW_CONNECTIONS: usize = 250;

/// Connections of slow readers. For each of them the kernel takes megabytes of an answer at once, at a
/// cost of its own.
const SLOW_READERS: usize = 25;

/// How long the attacks last, in seconds.
const SLOW_SECONDS: usize = 4;

fn start(hub: &str) -> WebServer {
    let mut command = command("testbed", hub);
    // What handlers and bodies of attacked connections say would fill the pipe.
    let command = command
        .args(["--listen", "127.0.0.1:0"])
        .stderr(Stdio::null());
    WebServer::start(command, 1)
}

/// With a limit of descriptors, which has to be there before the program starts.
fn start_limited(hub: &str, most: usize) -> WebServer {
    let plain = command("testbed", hub);
    let mut shell = Command::new("sh");
    let script = format!("ulimit -n {most} && exec \"$0\" --listen 127.0.0.1:0");
    shell.arg("-c").arg(script).arg(plain.get_program());
    shell
        .env("EVENTLET_HUB", hub)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    WebServer::start(&mut shell, 1)
}

fn descriptors(server: &WebServer) -> usize {
    let folder = format!("/proc/{}/fd", server.process.id());
    fs::read_dir(folder).unwrap().count()
}

/// Memory that the process has, in KiB.
fn memory(server: &WebServer) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_ascii_whitespace().next());
    number.expect("VmRSS").parse().unwrap()
}

/// Repeats a load, at whose end nothing is to be left of it.
fn until_it_takes_no_more(server: &WebServer, hub: &str, round: impl Fn()) {
    let before = descriptors(server);
    let mut taken = Vec::new();
    for _ in 0..ROUNDS {
        round();
        until_descriptors(server, before);
        let now = memory(server);
        let most = taken.iter().max();
        if most.is_some_and(|most| now <= most + SLACK_KIB) {
            return;
        }
        taken.push(now);
    }
    panic!("each round takes more, under {hub}: {taken:?} KiB");
}

/// Waits for connections to be forgotten: the watchdog of the test is the limit.
fn until_descriptors(server: &WebServer, count: usize) {
    while descriptors(server) != count {
        // A turn of the server's loop, at least.
        assert_eq!(server.get("/plaintext").1, "Hello, World!");
    }
}

fn plaintext(stream: &mut TcpStream) {
    stream.write_all(PLAINTEXT).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nHello, World!") {
        let mut piece = [0; 1024];
        let count = match stream.read(&mut piece) {
            Ok(count) => count,
            // The children of other tests have ended meanwhile.
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => panic!("{error} after {}", answer.escape_ascii()),
        };
        assert!(count > 0, "the end after {}", answer.escape_ascii());
        answer.extend_from_slice(&piece[..count]);
    }
}

/// One attack of `slowhttptest`, as a process; killed when it is dropped.
struct Slow(Child);

impl Slow {
    fn start(server: &WebServer, connections: usize, arguments: &[&str], target: &str) -> Self {
        let url = format!("http://{}{target}", server.address);
        let (connections, seconds) = (connections.to_string(), SLOW_SECONDS.to_string());
        let common = [
            "-c",
            &connections,
            "-r",
            &connections,
            "-l",
            &seconds,
            "-u",
            &url,
        ];
        let child = Command::new("slowhttptest")
            .args(arguments)
            .args(common)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Slow(child)
    }

    fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn slow_clients_hold_nobody_up() {
    if Command::new("slowhttptest").arg("-h").output().is_err() {
        loudly("SKIPPED slow_clients_hold_nobody_up: there is no slowhttptest on this machine");
        return;
    }
    under_each_hub("testbed", "slow_clients_hold_nobody_up", |hub| {
        let server = start(hub);
        until_descriptors(&server, descriptors(&server));
        let before = descriptors(&server);
        let mut other = server.connect();
        // Slow heads, slow bodies, and readers of a long answer through a small window.
        let mut attacks = [
            Slow::start(&server, SLOW_CONNECTIONS, &["-H", "-i", "1"], "/plaintext"),
            Slow::start(
                &server,
                SLOW_CONNECTIONS,
                &["-B", "-i", "1", "-s", "8192"],
                "/echo",
            ),
            Slow::start(
                &server,
                SLOW_READERS,
                &["-X", "-w", "512", "-y", "1024", "-n", "1", "-z", "32"],
                "/bytes?n=10000000",
            ),
        ];
        let (mut served, mut most) = (0, 0);
        while attacks.iter_mut().any(Slow::is_running) {
            plaintext(&mut other);
            // Which also leaves the processor to others for a while.
            assert_eq!(server.get("/slow?ms=20").1, "slow 20\n");
            served += 1;
            most = most.max(descriptors(&server));
        }
        loudly(&format!(
            "{served} were served beside {most} descriptors under {hub}"
        ));
        assert!(
            most > before + SLOW_CONNECTIONS,
            "the attack has not been one: {most}"
        );
        // One a second would be enough to see that nobody waits for the slow ones.
        assert!(served > SLOW_SECONDS, "{served}");
        drop((attacks, other));
        until_descriptors(&server, before);
    });
}

#[test]
fn without_descriptors_it_serves_on_and_recovers() {
    const MOST: usize = 64;
    const CLIENTS: usize = 200;
    under_each_hub("testbed", "without_descriptors_it_serves_on", |hub| {
        let server = start_limited(hub, MOST);
        assert_eq!(server.get("/plaintext").1, "Hello, World!");
        until_it_takes_no_more(&server, hub, || {
            let mut inside = server.connect();
            plaintext(&mut inside);
            let mut clients: Vec<_> = (0..CLIENTS).map(|_| server.connect()).collect();
            for client in &mut clients {
                client.write_all(b"GET /plain").unwrap();
            }
            while descriptors(&server) < MOST {
                plaintext(&mut inside);
            }
            // One that is in is served all the same, and told what there is no descriptor for.
            for _ in 0..100 {
                plaintext(&mut inside);
            }
            inside
                .write_all(b"GET /child HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                .unwrap();
            let (head, _) = crate::web_server::answer(&mut inside);
            assert!(head.starts_with("HTTP/1.1 500 "), "{head}");
            // Each that waits has its turn when others leave.
            let (stay, leave) = clients.split_at_mut(CLIENTS / 4);
            for client in leave {
                client.shutdown(Shutdown::Both).unwrap();
            }
            for client in stay.iter_mut() {
                client.write_all(b"text HTTP/1.0\r\n\r\n").unwrap();
                let (head, body) = crate::web_server::answer(client);
                assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
                assert_eq!(body, "Hello, World!");
            }
        });
    });
}

#[test]
fn who_comes_and_goes_leaves_nothing_behind() {
    const CLIENTS: usize = 1000;
    let manners: [(&[u8], Option<Shutdown>); 6] = [
        (b"", None),
        (b"GET /plain", None),
        (b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n", None),
        // Gone while the body is awaited.
        (
            b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
            None,
        ),
        // Gone in the middle of an answer that does not fit the buffers.
        (b"GET /bytes?n=10000000 HTTP/1.1\r\nHost: a\r\n\r\n", None),
        (b"nonsense\r\n\r\n", Some(Shutdown::Write)),
    ];
    under_each_hub(
        "testbed",
        "who_comes_and_goes_leaves_nothing_behind",
        |hub| {
            let server = start(hub);
            assert_eq!(server.get("/plaintext").1, "Hello, World!");
            until_it_takes_no_more(&server, hub, || {
                for number in 0..CLIENTS {
                    let (bytes, shutdown) = manners[number % manners.len()];
                    let mut client = server.connect();
                    // The server may be quicker than this.
                    let _ = client.write_all(bytes);
                    if let Some(how) = shutdown {
                        let _ = client.shutdown(how);
                    }
                }
            });
            let page = server.get("/").1;
            assert!(page.contains("open connections<td>1"), "{page}");
        },
    );
}
