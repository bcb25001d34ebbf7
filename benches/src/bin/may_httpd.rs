//! A peer: `may_minihttp` on `may`'s coroutines with one worker, serving `/plaintext` and
//! `/echo`.

#![forbid(unsafe_code)]

use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener};

use may_minihttp::{HttpServer, HttpService, Request, Response};

fn main() -> io::Result<()> {
    may::config().set_workers(1);
    // It does not tell which port it was given, so a free one is chosen for it.
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let server = HttpServer(Pages::default()).start(address)?;
    println!("http://{address}/plaintext");
    server
        .join()
        .map_err(|_| io::Error::other("the server's coroutine panicked"))
}

#[derive(Clone, Default)]
struct Pages {
    /// Of the request being answered; each connection has its own.
    body: Vec<u8>,
}

impl HttpService for Pages {
    fn call(&mut self, request: Request, response: &mut Response) -> io::Result<()> {
        match request.path() {
            "/plaintext" => {
                response.header("Content-Type: text/plain");
                response.body("Hello, World!");
            }
            "/echo" => {
                response.header("Content-Type: text/plain");
                request.body().read_to_end(&mut self.body)?;
                response.body_mut().extend_from_slice(&self.body);
                self.body.clear();
            }
            _ => {
                response.status_code(404, "Not Found");
            }
        }
        Ok(())
    }
}
