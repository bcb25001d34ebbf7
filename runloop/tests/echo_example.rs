//! The example `echo` serves several clients at once, and its timer prints what it counted.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use support::watchdog;

/// Ends the server with the test, however that ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Cargo builds examples beside the tests: `target/debug/examples`, `target/debug/deps`.
fn example(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().expect("a path to this test");
    path.pop();
    path.pop();
    path.join("examples").join(name)
}

#[test]
fn echoes_to_many_and_counts() {
    let _watchdog = watchdog("echoes_to_many_and_counts");
    const CLIENTS: usize = 10;
    const TEXT: &[u8] = b"hello, hub";
    let path = example("runloop_echo");
    if !path.exists() {
        eprintln!("SKIPPED: the example is not built; run without --test to have it built");
        return;
    }
    let child = Command::new(path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example starts");
    let mut server = Server(child);
    let mut lines = BufReader::new(server.0.stdout.take().expect("piped")).lines();
    let first = lines.next().expect("a line").expect("readable");
    let address = first.strip_prefix("listening on ").expect("the address");

    let mut clients: Vec<TcpStream> = (0..CLIENTS)
        .map(|_| TcpStream::connect(address).expect("the server accepts"))
        .collect();
    for client in &mut clients {
        client.write_all(TEXT).expect("the server reads");
    }
    // More than the socket buffers hold, so that the server must wait for room.
    let big = vec![7; 8 << 20];
    let mut reader = clients[0].try_clone().expect("a second handle");
    let writer = std::thread::spawn({
        let mut client = clients[0].try_clone().expect("a third handle");
        let big = big.clone();
        move || client.write_all(&big).expect("the server reads on")
    });
    for client in &mut clients {
        let mut echo = [0; TEXT.len()];
        client.read_exact(&mut echo).expect("an echo");
        assert_eq!(echo, TEXT);
    }
    let mut echo = vec![0; big.len()];
    reader.read_exact(&mut echo).expect("all of the echo");
    assert!(echo == big);
    writer.join().expect("the writer ends");
    for client in &mut clients {
        client.shutdown(Shutdown::Write).expect("half a close");
        assert_eq!(client.read(&mut [0]).expect("the end"), 0);
    }
    let total = CLIENTS * TEXT.len() + big.len();
    let expected = format!("{total} bytes echoed");
    assert!(lines.any(|line| line.expect("readable") == expected));
}
