//! The example runs, says where it listens, and echoes: to several at once, and more than fits into
//! the buffers of a socket.
#![cfg(any(target_os = "linux", target_os = "android"))]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Ends the example with the test, however that ends.
struct Server {
    child: Child,
    address: String,
    /// Dropped with the test: until then a watchdog is on guard.
    _guard: Sender<()>,
}

impl Server {
    fn start(test: &'static str, arguments: &[&str]) -> Self {
        const WATCHDOG: Duration = Duration::from_secs(60);
        let (guard, guarded) = channel();
        std::thread::spawn(move || {
            if guarded.recv_timeout(WATCHDOG) == Err(RecvTimeoutError::Timeout) {
                eprintln!("{test} did not end within {WATCHDOG:?}; aborting");
                std::process::abort();
            }
        });
        // Cargo builds the examples of a package before its tests, next to their folder.
        let mut path = std::env::current_exe().expect("this test");
        path.pop();
        path.pop();
        path.push("examples/hub_echo");
        let mut child = Command::new(path)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example is built: run the tests of the whole package");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped"))
            .read_line(&mut line)
            .expect("the example says where it listens");
        let address = line.trim().rsplit(' ').next().expect("an address");
        Server {
            child,
            address: address.to_owned(),
            _guard: guard,
        }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).expect("connect")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It runs for ever otherwise; that it may be gone already shows in the test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_echoes_to_several_at_once() {
    let server = Server::start("it_echoes_to_several_at_once", &[]);
    let mut clients: Vec<_> = (0..10).map(|_| server.connect()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        write!(client, "client {number}").expect("write");
    }
    for (number, mut client) in clients.into_iter().enumerate().rev() {
        client.shutdown(Shutdown::Write).expect("shutdown");
        let mut text = String::new();
        client.read_to_string(&mut text).expect("read");
        assert_eq!(text, format!("client {number}"));
    }
}

#[test]
fn it_echoes_more_than_the_buffers_hold() {
    static PIECE: [u8; 64 * 1024] = [7; 64 * 1024];
    const PIECES: usize = 200;
    let arguments = ["--listen", "127.0.0.1:0"];
    let server = Server::start("it_echoes_more_than_the_buffers_hold", &arguments);
    let client = server.connect();
    let mut total = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..PIECES {
                (&client).write_all(&PIECE).expect("write");
            }
            client.shutdown(Shutdown::Write).expect("shutdown");
        });
        let mut room = vec![0; PIECE.len()];
        loop {
            match (&client).read(&mut room).expect("read") {
                0 => break,
                count => {
                    assert_eq!(room[..count], PIECE[..count]);
                    total += count;
                }
            }
        }
    });
    assert_eq!(total, PIECE.len() * PIECES);
}

#[test]
fn it_survives_a_client_that_is_reset() {
    let server = Server::start("it_survives_a_client_that_is_reset", &[]);
    let mut rude = server.connect();
    rude.write_all(b"never read back").expect("write");
    let mut one = [0];
    rude.read_exact(&mut one).expect("it came back");
    // Closing with unread data resets the connection.
    drop(rude);
    let mut polite = server.connect();
    polite.write_all(b"x").expect("write");
    polite.read_exact(&mut one).expect("read");
    assert_eq!(&one, b"x");
}
