//! One request with one program: its body in, its response out, its complaints to the log, all at
//! once; and an end to it, however it comes.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use eventlet_green::io::{PipeReader, PipeWriter};
use eventlet_green::sync::Permit;
use eventlet_green::{JoinHandle, now, spawn};
use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};

use super::answer::{Answer, HEAD_LIMIT, end_of_head, parse};
use super::{Limits, Log, Site};
use crate::process::{Child, ChildHandle, SIGKILL};
use crate::server::{Body, BodySink};
use crate::wire::error_page;

/// How much is passed on at once: what a pipe of Linux holds.
const PIECE: usize = 64 * 1024;

/// How many bytes of a line of standard error go to the log at once.
const LOG_LINE: u64 = 4096;

/// How long a program may live on when its output has ended; it is ending as a rule.
const LAST_STEPS: Duration = Duration::from_secs(1);

/// A program that answers. Dropped, it is killed.
pub(super) struct Exchange {
    child: Child,
    output: PipeReader,
    /// Reads the request's body, until it is read or nobody wants it.
    feeder: Option<JoinHandle<()>>,
    limits: Limits,
    log: Log,
    /// Its place among those that run.
    _turn: Permit,
}

impl Exchange {
    /// Has the body passed on, and the complaints logged.
    pub(super) fn begin(
        mut child: Child,
        body: impl Read + 'static,
        turn: Permit,
        limits: Limits,
        log: Log,
    ) -> Self {
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let handle = child.handle();
        let feeder = stdin.map(|stdin| spawn(move || feed(body, stdin, &handle, limits.silence)));
        if let Some(stderr) = stderr {
            let log = Log::clone(&log);
            spawn(move || complain(stderr, &*log));
        }
        Exchange {
            child,
            output: stdout.expect("the command pipes it"),
            feeder,
            limits,
            log,
            _turn: turn,
        }
    }

    /// The response to the client.
    pub(super) fn answer(
        mut self,
        parts: &Parts,
        site: Option<&Site>,
    ) -> Result<Response<Body>, StatusCode> {
        let (head, beginning) = self.read_head()?;
        let answer = parse(&head).map_err(|what| self.bad(what))?;
        let (status, headers, length) = match answer {
            Answer::Response {
                status,
                headers,
                length,
            } => (status, headers, length),
            Answer::LocalRedirect(path) => {
                // The program has no more to say.
                self.end();
                return redirect(&path, parts, site)
                    .ok_or_else(|| self.bad("a malformed Location"));
            }
        };
        let write = move |sink: &mut BodySink<'_>| self.send(&beginning, sink);
        let body = match length {
            Some(length) => Body::sized_stream(length, write),
            None => Body::stream(write),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    /// The head, and what has come of the body with it.
    fn read_head(&mut self) -> Result<(Vec<u8>, Vec<u8>), StatusCode> {
        let deadline = now() + self.limits.head;
        let mut bytes = Vec::new();
        let mut piece = vec![0; PIECE];
        loop {
            let end = end_of_head(&bytes);
            if end.unwrap_or(bytes.len()) > HEAD_LIMIT {
                return Err(self.bad("a head that is too large"));
            }
            if let Some(end) = end {
                let body = bytes.split_off(end);
                return Ok((bytes, body));
            }
            let left = (deadline - now()).max(SHORTEST);
            let read = self.output.set_read_timeout(Some(left));
            match read.and_then(|()| self.output.read(&mut piece)) {
                Ok(0) => return Err(self.bad("it has ended without the head of a response")),
                Ok(count) => bytes.extend_from_slice(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    (self.log)("no head of a response in time");
                    return Err(StatusCode::GATEWAY_TIMEOUT);
                }
                Err(error) => return Err(self.bad(&error.to_string())),
            }
        }
    }

    /// A response that cannot be passed on.
    fn bad(&self, what: &str) -> StatusCode {
        (self.log)(&format!("a bad response: {what}"));
        StatusCode::BAD_GATEWAY
    }

    /// Sends the body as it comes.
    fn send(mut self, beginning: &[u8], sink: &mut BodySink<'_>) -> io::Result<()> {
        let sent = self.pass_on(beginning, sink);
        match self.end() {
            // The client is to see that something is missing.
            Some(status) if sent.is_ok() && status.signal().is_some() => {
                (self.log)(&format!("its response breaks off: {status}"));
                Err(io::Error::other("the program was killed by a signal"))
            }
            _ => sent,
        }
    }

    fn pass_on(&mut self, beginning: &[u8], sink: &mut BodySink<'_>) -> io::Result<()> {
        sink.write_all(beginning)?;
        self.output
            .set_read_timeout(Some(self.limits.silence.max(SHORTEST)))?;
        let mut piece = vec![0; PIECE];
        loop {
            // Before it waits, the client gets what there is.
            sink.flush()?;
            let count = self.output.read(&mut piece).inspect_err(|error| {
                (self.log)(&format!("its response breaks off: {error}"));
            })?;
            if count == 0 {
                return Ok(());
            }
            sink.write_all(&piece[..count])?;
        }
    }

    /// Nothing more is wanted of it. The request's body is the server's again. How it has ended, if
    /// it has.
    fn end(&mut self) -> Option<ExitStatus> {
        if let Some(feeder) = self.feeder.take()
            && feeder.kill().is_ok()
        {
            // It was killed, or has ended.
            let _ = feeder.join();
        }
        // One that does not end is killed when it is dropped.
        self.child.wait_timeout(LAST_STEPS).ok().flatten()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(feeder) = self.feeder.take() {
            // Refused where nothing can be unwound: then it ends with the program.
            let _ = feeder.kill();
        }
    }
}

/// A limit that has run out is still a limit: zero would be refused.
const SHORTEST: Duration = Duration::from_nanos(1);

/// Passes the body on. If that breaks off, the program is not to take it for the whole.
fn feed(mut body: impl Read, mut stdin: PipeWriter, child: &ChildHandle, silence: Duration) {
    let mut piece = vec![0; PIECE];
    if stdin
        .set_write_timeout(Some(silence.max(SHORTEST)))
        .is_err()
    {
        return;
    }
    loop {
        match body.read(&mut piece) {
            Ok(0) => return,
            // It need not read it.
            Ok(count) => match stdin.write_all(&piece[..count]) {
                Ok(()) => {}
                Err(_) => return,
            },
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => {
                // Its response ends then, which says the rest.
                let _ = child.kill_group(SIGKILL);
                return;
            }
        }
    }
}

fn complain(stderr: PipeReader, log: &dyn Fn(&str)) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match stderr.by_ref().take(LOG_LINE).read_until(b'\n', &mut line) {
            Ok(1..) => log(String::from_utf8_lossy(line.trim_ascii_end()).as_ref()),
            _ => return,
        }
    }
}

/// What a local redirect leads to; `None` if it is no path.
fn redirect(path: &str, parts: &Parts, site: Option<&Site>) -> Option<Response<Body>> {
    let Some(site) = site else {
        let page = error_page(StatusCode::FOUND, None);
        let mut response = page.map(Body::from);
        let location = HeaderValue::from_str(path).ok()?;
        response.headers_mut().insert(LOCATION, location);
        return Some(response);
    };
    let mut request = Request::new(());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = path.parse().ok()?;
    *request.headers_mut() = parts.headers.clone();
    for name in [http::header::CONTENT_LENGTH, http::header::CONTENT_TYPE] {
        request.headers_mut().remove(name);
    }
    Some(site(request))
}
