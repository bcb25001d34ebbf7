//! Servers as child processes: started, asked for their address, ended when dropped.
//!
//! A server prints a line with the address it listens on, somewhere in its first lines; that is
//! all it has to know of being measured.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a server has to name its address: far longer than any needs, so that only a broken
/// one is given up.
const START_LIMIT: Duration = Duration::from_secs(20);

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts a program and waits for the line with its address.
    ///
    /// # Errors
    ///
    /// What starting gives; `TimedOut` or `UnexpectedEof` if no address came. The program is
    /// ended then.
    pub fn start(command: &mut Command) -> io::Result<Server> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{command:?}: {error}")))?;
        // From here on the child has an owner that ends it.
        let mut server = Server {
            child,
            address: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        };
        let output = server.child.stdout.take();
        let (found, address) = mpsc::channel();
        // Reads on after the address, so that the server never waits for its output to be read.
        thread::spawn(move || {
            let lines = output
                .into_iter()
                .flat_map(|output| BufReader::new(output).lines());
            for line in lines.map_while(Result::ok) {
                if let Some(address) = address_in(&line) {
                    let _ = found.send(address);
                }
            }
        });
        server.address = address.recv_timeout(START_LIMIT).map_err(|reason| {
            let kind = match reason {
                mpsc::RecvTimeoutError::Timeout => io::ErrorKind::TimedOut,
                mpsc::RecvTimeoutError::Disconnected => io::ErrorKind::UnexpectedEof,
            };
            io::Error::new(kind, format!("{command:?} printed no address"))
        })?;
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; either way there is nothing more to do about it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first word of a line that is, or as a URL contains, an address with a port.
fn address_in(line: &str) -> Option<SocketAddr> {
    line.split_whitespace().find_map(|word| {
        let word = word.strip_prefix("http://").unwrap_or(word);
        let word = word.split('/').next().unwrap_or(word);
        let word = word.trim_end_matches([',', '.', ';']);
        word.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_lines() {
        let expected = Some(SocketAddr::from(([127, 0, 0, 1], 4711)));
        assert_eq!(address_in("127.0.0.1:4711"), expected);
        assert_eq!(
            address_in("listening on http://127.0.0.1:4711/, hub epoll"),
            expected
        );
        assert_eq!(address_in("version 1.0 of 2026"), None);
    }

    #[test]
    fn a_program_that_says_nothing_is_an_error() {
        let error = Server::start(&mut Command::new("true")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = Server::start(&mut Command::new("/no/such/server")).unwrap_err();
        assert!(error.to_string().contains("/no/such/server"), "{error}");
    }
}
