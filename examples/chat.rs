//! A chat server: what one client says goes to all others, with its name before it.
//!
//! ```text
//! cargo run --example chat -- --listen 127.0.0.1:7777
//! nc 127.0.0.1 7777          # in two other terminals; the first line is a name. Ctrl-C ends all.
//! ```
//!
//! Two coroutines for each client: one reads, one writes what the others say, from a queue. Nobody
//! ever waits for a client that does not read: when its queue is full, it is disconnected.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::{cell::RefCell, collections::BTreeMap, net::Shutdown, rc::Rc, time::Duration};

use eventlet::channel::{self, Sender};
use eventlet::net::{TcpListener, TcpStream, tcp_server};
use eventlet::signals::{STOP, Signals};
use eventlet::{spawn, sync::WaitGroup, yield_now};

const BACKLOG: usize = 64; // Lines that may wait for a client, besides those in its socket.
const LONGEST: u64 = 4096; // Bytes of a line; a longer one is taken for several.
const GRACE: Duration = Duration::from_secs(2); // For the last lines, at the end.
type Member = (Sender<Rc<str>>, TcpStream); // What is to be written, and where.

#[derive(Default)]
struct Room {
    /// By name.
    members: RefCell<BTreeMap<String, Member>>,
    writers: WaitGroup,
}

impl Room {
    /// Queues a line for everybody but one. Never waits.
    fn tell_all_but(&self, one: &str, line: &str) {
        let line: Rc<str> = format!("{line}\n").into();
        for (name, (queue, stream)) in &*self.members.borrow() {
            if name != one && queue.try_send(Rc::clone(&line)).is_err() {
                // Too slow. Its reader finds the end of the connection, and takes it out.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut input = BufReader::new(stream.try_clone()?);
        (&stream).write_all(b"* Your name?\n")?;
        let name = read_line(&mut input).unwrap_or_default();
        if name.is_empty() || self.members.borrow().contains_key(&name) {
            return (&stream).write_all(b"* Not that one, please.\n");
        }
        let (queue, lines) = channel::bounded::<Rc<str>>(BACKLOG);
        let (mut out, writing) = (stream.try_clone()?, self.writers.add());
        spawn(move || {
            let _until_here = writing;
            // Ends when all is written that was queued before the member left.
            while let Ok(line) = lines.recv()
                && out.write_all(line.as_bytes()).is_ok()
            {}
            out.shutdown(Shutdown::Both)
        });
        let member = (queue, stream);
        self.members.borrow_mut().insert(name.clone(), member);
        self.tell_all_but(&name, &format!("* {name} is here."));
        while let Some(line) = read_line(&mut input) {
            self.tell_all_but(&name, &format!("{name}: {line}"));
            yield_now(); // However fast one talks: now the writers have their turn.
        }
        self.members.borrow_mut().remove(&name);
        self.tell_all_but(&name, &format!("* {name} has left."));
        Ok(())
    }
}

/// A line without control characters; none at the end, whatever kind of end it is.
fn read_line(input: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = Vec::new();
    let count = input.take(LONGEST).read_until(b'\n', &mut line).ok()?;
    (count > 0).then(|| String::from_utf8_lossy(&line).replace(char::is_control, ""))
}

fn run() -> io::Result<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let ["--listen", address] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
        return Err(io::Error::other("usage: chat --listen HOST:PORT"));
    };
    let signals = Signals::new(&STOP)?;
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let (room, closer) = (Rc::new(Room::default()), listener.try_clone()?);
    spawn(move || signals.wait().and_then(|_| closer.close()));
    let serving = Rc::clone(&room);
    tcp_server(listener, move |stream, _| drop(serving.serve(stream)))?;
    room.tell_all_but("", "* The server stops.");
    room.members.borrow_mut().clear();
    Ok(room.writers.wait_timeout(GRACE).map(drop)?)
}

fn main() -> std::process::ExitCode {
    let outcome = run().inspect_err(|error| eprintln!("chat: {error}"));
    u8::from(outcome.is_err()).into()
}
