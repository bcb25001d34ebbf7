//! An HTTPS server, with a certificate of its own making or one from files.
//!
//! ```text
//! cargo run --release --example https -- --listen 127.0.0.1:8443
//! curl -k https://127.0.0.1:8443/
//! ```
//!
//! With `--cert chain.pem --key key.pem` it shows that certificate, and reads both files again on
//! SIGHUP: connections stay. `-k` trusts anybody: nobody has signed what is made here.

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use eventlet::http::server::{Body, RequestBody, Server};
use eventlet::http::tls::{HTTP_PROTOCOLS, Identity, TlsAcceptor};
use eventlet::net::TcpListener;
use eventlet::signals::{SIGHUP, STOP, Signals};
use eventlet::spawn;
use http::{Request, Response};

/// How long requests may go on after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);

/// Says what was agreed on.
fn hello(request: Request<RequestBody>) -> Response<Body> {
    let tls = request.body().tls().expect("only TLS is spoken here");
    let name = tls.server_name.as_deref().unwrap_or("nobody");
    Response::new(Body::from(format!("hello from {name}\n")))
}

struct Settings {
    listen: String,
    files: Option<(String, String)>,
}

impl Settings {
    fn from_arguments() -> Result<Self, Box<dyn Error>> {
        let (mut listen, mut cert, mut key) = (None, None, None);
        let mut words = env::args().skip(1);
        while let Some(word) = words.next() {
            let place = match word.as_str() {
                "--listen" => &mut listen,
                "--cert" => &mut cert,
                "--key" => &mut key,
                _ => return Err(format!("{word}: not --listen, --cert or --key").into()),
            };
            *place = Some(words.next().ok_or(format!("{word} needs a value"))?);
        }
        if cert.is_some() != key.is_some() {
            return Err("--cert and --key go together".into());
        }
        let files = cert.zip(key);
        let listen = listen.ok_or("usage: https --listen HOST:PORT [--cert FILE --key FILE]")?;
        Ok(Settings { listen, files })
    }

    fn identity(&self) -> Result<Identity, Box<dyn Error>> {
        if let Some((chain, key)) = &self.files {
            return Ok(Identity::from_pem_files(chain, key)?);
        }
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names)?;
        let key = made.signing_key.serialize_pem();
        Ok(Identity::from_pem(made.cert.pem(), key)?)
    }

    fn reload(&self, acceptor: &TlsAcceptor) -> Result<(), Box<dyn Error>> {
        Ok(acceptor.replace_identities(self.identity()?)?)
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_arguments()?;
    let acceptor = TlsAcceptor::builder(settings.identity()?);
    let acceptor = acceptor.alpn(HTTP_PROTOCOLS).build()?;
    let listener = TcpListener::bind(&*settings.listen)?;
    let (stop, hang_up) = (Signals::new(&STOP)?, Signals::new(&[SIGHUP])?);
    println!("listening on https://{}/", listener.local_addr()?);
    let server = Server::new(hello);
    let (handle, theirs) = (server.handle(), acceptor.clone());
    let serving = spawn(move || server.serve_tls(listener, theirs));
    spawn(move || {
        while hang_up.wait().is_ok() {
            match settings.reload(&acceptor) {
                Ok(()) => println!("another certificate is shown from now on"),
                Err(error) => eprintln!("https: the certificate stays: {error}"),
            }
        }
    });
    stop.wait()?;
    handle.stop(GRACE);
    Ok(serving.join()??)
}

fn main() -> ExitCode {
    let outcome = run().inspect_err(|error| eprintln!("https: {error}"));
    ExitCode::from(u8::from(outcome.is_err()))
}
