//! Uploads straight to files: however large they are, each takes one buffer of memory, and a slow
//! disk holds up nobody else.
//!
//! ```text
//! cargo run --example upload -- --listen 127.0.0.1:8080 /tmp/uploads
//! curl --upload-file big.iso http://127.0.0.1:8080/big.iso
//! ```

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eventlet::http::gateway::{ErrorResponse, handler};
use eventlet::http::server::{Config, RequestBody, Server};
use eventlet::net::TcpListener;
use eventlet::signals::{STOP, Signals};
use eventlet::{offload, spawn};
use http::{Method, Request, StatusCode};

/// What is in memory of an upload at a time.
const PIECE: usize = 64 * 1024;
/// The largest upload: 4 GiB.
const MOST: u64 = 4 << 30;
/// How long uploads may go on after Ctrl-C.
const GRACE: Duration = Duration::from_secs(30);

/// A file under a name of its own, removed again unless it is kept.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // It has been renamed, or there is nothing more to be done about it.
        let _ = fs::remove_file(&self.0);
    }
}

/// Writes a body to a file piece by piece; the file has its name only when it is whole.
fn store(mut body: RequestBody, folder: &Path, name: &str) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let hidden = format!(".{name}.{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let partial = Partial(folder.join(hidden));
    let path = partial.0.clone();
    let mut file = offload(move || File::create(path))??;
    let mut buffer = vec![0; PIECE];
    loop {
        let count = body.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        // File and buffer go to another thread and come back.
        (file, buffer) =
            offload(move || file.write_all(&buffer[..count]).map(|()| (file, buffer)))??;
    }
    let (from, to) = (partial.0.clone(), folder.join(name));
    offload(move || file.sync_all().and_then(|()| fs::rename(from, to)))?
}

fn answer(request: Request<RequestBody>, folder: &Path) -> Result<StatusCode, ErrorResponse> {
    if request.method() != Method::PUT {
        return Err(ErrorResponse::not_allowed("PUT"));
    }
    let name = request.uri().path().trim_start_matches('/').to_owned();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || name.starts_with('.') || !name.bytes().all(is_plain) {
        return Err(StatusCode::BAD_REQUEST.into());
    }
    store(request.into_body(), folder, &name)?;
    Ok(StatusCode::CREATED)
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (address, folder) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [folder] if !folder.starts_with("--") => ("127.0.0.1:8080", PathBuf::from(folder)),
        ["--listen", address, folder] => (address, PathBuf::from(folder)),
        _ => return Err("use: upload [--listen ADDRESS] DIRECTORY".into()),
    };
    fs::create_dir_all(&folder)?;
    let listener = TcpListener::bind(address)?;
    let mut config = Config::new();
    config.limits.body = Some(MOST);
    let server = Server::with_config(handler(move |request| answer(request, &folder)), config);
    let (handle, signals) = (server.handle(), Signals::new(&STOP)?);
    spawn(move || signals.wait().map(|_| handle.stop(GRACE)));
    println!("listening on {}", listener.local_addr()?);
    Ok(server.serve(listener)?)
}

fn main() -> ExitCode {
    let Err(error) = run() else {
        return ExitCode::SUCCESS;
    };
    eprintln!("upload: {error}");
    ExitCode::FAILURE
}
