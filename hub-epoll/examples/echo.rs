//! An echo server on a bare hub: no run loop, no coroutines, no unsafe code.
//!
//! `cargo run -p eventlet-hub-epoll --example hub_echo -- --listen 127.0.0.1:7000`, then
//! `nc 127.0.0.1 7000`. Without `--listen` the system picks a free port, which is printed.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;

use eventlet_hub::{Events, Interest, Source, Sources, Token};
use eventlet_hub_epoll::EpollHub;

/// What has been read of a connection and not been written back yet.
struct Connection {
    stream: Rc<TcpStream>,
    pending: Vec<u8>,
}

impl Connection {
    /// Echoes until an operation would block (an edge-triggered hub tells of changes only), and says
    /// what to wait for; nothing once the peer is done.
    fn serve(&mut self) -> io::Result<Option<Interest>> {
        let mut room = [0; 16 * 1024];
        loop {
            while !self.pending.is_empty() {
                match (&*self.stream).write(&self.pending) {
                    Ok(count) => drop(self.pending.drain(..count)),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        return Ok(Some(Interest::WRITABLE));
                    }
                    Err(error) => return Err(error),
                }
            }
            match (&*self.stream).read(&mut room) {
                Ok(0) => return Ok(None),
                Ok(count) => self.pending.extend_from_slice(&room[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Some(Interest::READABLE))
    }
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => "127.0.0.1:0".to_owned(),
        (Some("--listen"), Some(address)) => address,
        _ => return Err(io::Error::other("usage: echo [--listen ADDRESS:PORT]")),
    };
    let listener = Rc::new(TcpListener::bind(address)?);
    listener.set_nonblocking(true)?;
    println!("echo server on {}", listener.local_addr()?);
    let mut sources = Sources::<EpollHub, Rc<dyn Source>>::new(EpollHub::new()?);
    let accepting = sources.register(listener.clone())?;
    let mut connections: HashMap<Token, Connection> = HashMap::new();
    let mut events = Events::new();
    let mut ready = vec![accepting];
    loop {
        for token in ready.drain(..) {
            if token == accepting {
                connections.extend(accept(&listener, &mut sources)?);
                sources.arm(accepting, Interest::READABLE)?;
            } else if let Some(connection) = connections.get_mut(&token) {
                match connection.serve() {
                    Ok(Some(interest)) => sources.arm(token, interest)?,
                    // The peer is done, or gone.
                    Ok(None) | Err(_) => {
                        connections.remove(&token);
                        drop(sources.deregister_closing(token)?);
                    }
                }
            }
        }
        sources.wait(&mut events, None)?;
        ready.extend(sources.ready(&events).map(|(token, _, _)| token));
    }
}

fn accept(
    listener: &TcpListener,
    sources: &mut Sources<EpollHub, Rc<dyn Source>>,
) -> io::Result<Vec<(Token, Connection)>> {
    let mut accepted = Vec::new();
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => Rc::new(stream),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(accepted),
            Err(error) => return Err(error),
        };
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let token = sources.register(stream.clone())?;
        sources.arm(token, Interest::READABLE)?;
        let pending = Vec::new();
        accepted.push((token, Connection { stream, pending }));
    }
}
