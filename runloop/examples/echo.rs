//! An echo server of callbacks: a hub and a run loop, no coroutines. A timer prints a count.
//!
//! `cargo run -p eventlet-runloop --example runloop_echo -- 127.0.0.1:7000`, then `nc 127.0.0.1 7000`.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::Interest;
use eventlet_hub_poll::PollHub;

type RunLoop = eventlet_runloop::RunLoop<PollHub>;
type Next = io::Result<Option<Interest>>;

const PERIOD: Duration = Duration::from_millis(250);
const CHUNK: usize = 4096;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:0"))?;
    listener.set_nonblocking(true)?;
    println!("listening on {}", listener.local_addr()?);

    let run_loop = RunLoop::new(PollHub::new()?);
    let echoed = Rc::new(Cell::new(0));
    print_count(&run_loop, echoed.clone());

    let token = run_loop.register(listener, move |run_loop, token, listener, _| {
        let error = accept_all(run_loop, listener, &echoed);
        if error.kind() != ErrorKind::WouldBlock {
            eprintln!("accepting: {error}");
        }
        let _ = run_loop.arm(token, Interest::READABLE);
    })?;
    run_loop.arm(token, Interest::READABLE)?;
    run_loop.run().map(drop)
}

/// A timer that repeats by arming itself again.
fn print_count(run_loop: &RunLoop, echoed: Rc<Cell<usize>>) {
    run_loop.call_after(PERIOD, move |run_loop| {
        println!("{} bytes echoed", echoed.get());
        print_count(run_loop, echoed);
    });
}

/// Accepts until that fails; `WouldBlock`: there is nobody left to accept.
fn accept_all(run_loop: &RunLoop, listener: &TcpListener, echoed: &Rc<Cell<usize>>) -> io::Error {
    loop {
        let accepted = listener.accept();
        if let Err(error) = accepted.and_then(|(new, _)| serve(run_loop, new, echoed.clone())) {
            return error;
        }
    }
}

fn serve(run_loop: &RunLoop, stream: TcpStream, echoed: Rc<Cell<usize>>) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    // Read, but not yet written: no more is read until it is gone.
    let mut pending: Vec<u8> = Vec::new();
    let token = run_loop.register(stream, move |run_loop, token, stream, _| {
        let outcome = echo(stream, &mut pending, &echoed).and_then(|next| match next {
            Some(interest) => run_loop.arm(token, interest),
            None => run_loop.deregister(token),
        });
        if let Err(error) = outcome {
            eprintln!("a connection broke: {error}");
            let _ = run_loop.deregister(token);
        }
    })?;
    run_loop.arm(token, Interest::READABLE)
}

/// Echoes until something would block, and says what to wait for; `None` at the end.
fn echo(mut stream: &TcpStream, pending: &mut Vec<u8>, echoed: &Cell<usize>) -> Next {
    let mut chunk = [0; CHUNK];
    loop {
        while !pending.is_empty() {
            match stream.write(pending) {
                Ok(count) => echoed.set(echoed.get() + pending.drain(..count).len()),
                Err(error) => return wait_for(Interest::WRITABLE, error),
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(None),
            Ok(count) => pending.extend_from_slice(&chunk[..count]),
            Err(error) => return wait_for(Interest::READABLE, error),
        }
    }
}

fn wait_for(interest: Interest, error: io::Error) -> Next {
    match error.kind() {
        ErrorKind::WouldBlock => Ok(Some(interest)),
        _ => Err(error),
    }
}
