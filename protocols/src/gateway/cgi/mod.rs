//! CGI/1.1 (RFC 3875): a program in any language as a handler, started anew for each request.
//!
//! ```text
//!  request ─► meta-variables ─► program ─► head ─┬─ response ─► streamed to the client
//!             body ───────────► stdin            └─ local redirect ─► the site's function
//!                               stderr ─► log
//! ```
//!
//! * [`Cgi`]: the program, where it is mounted, limits. `meta`: the variables. `answer`: the head of
//!   what it says.
//!
//! # What is not supported
//!
//! * Programs that write a whole HTTP response themselves ("non-parsed header", section 5): they are
//!   answered for with 502.
//! * The words of a query as arguments of the program (section 4.4), which has been a hole into
//!   interpreters ever since.
//!
//! # When a program is killed
//!
//! With all that it has started, when it answers too late or is silent for too long, when its
//! response cannot be sent because the client has gone or its body is broken off, and when it lives
//! on after its output has ended. A client that goes away while the program is silent is noticed
//! when that says something.

mod answer;
mod exchange;
mod meta;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::sync::Semaphore;
use http::header::CONTENT_LENGTH;
use http::{Request, Response, StatusCode};

pub use answer::{FIELDS_LIMIT, HEAD_LIMIT};
use exchange::Exchange;
pub use meta::Authorization;
use meta::Place;

use crate::process::{Command, Group, OnDrop, Stdio};
use crate::server::{Body, Handler, RequestBody};
use crate::wire::error_page;

/// How long a program may take until the head of its response is there: what proxies allow.
pub const DEFAULT_HEAD_TIME: Duration = Duration::from_secs(60);

/// How long a program may be silent in the middle of its response.
pub const DEFAULT_SILENCE: Duration = Duration::from_secs(60);

/// How many programs run at a time: enough to keep some cores busy with programs that mostly wait,
/// and not so many that they fill a small machine. Further requests wait their turn.
pub const DEFAULT_PROCESSES: usize = 32;

/// How large a request's body of unknown length may be, which is gathered first, since the program
/// must be told its length.
pub const DEFAULT_GATHERED: usize = 1 << 20;

/// What is called with each line of a program's standard error.
type Log = Rc<dyn Fn(&str)>;
/// What answers the local redirects of a program.
type Site = Rc<dyn Fn(Request<()>) -> Response<Body>>;

/// A program as a [`Handler`]: it is started for each request, given the request as RFC 3875 has it,
/// and answers it.
///
/// Its environment holds the meta-variables, `PATH`, and what [`env`](Self::env) adds; its directory
/// is that of the program, if that is named by an absolute path.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::{TcpListener, TcpStream};
/// use eventlet_green::spawn;
/// use eventlet_protocols::gateway::Cgi;
/// use eventlet_protocols::server::Server;
/// use std::io::{Read, Write};
///
/// let script = "echo Content-Type: text/plain; echo; echo \"you asked for $PATH_INFO\"";
/// let cgi = Cgi::new("sh").arg("-c").arg(script).mounted_at("/run");
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut client = TcpStream::connect(listener.local_addr()?)?;
/// let serving = spawn(|| Server::new(cgi).serve(listener));
///
/// client.write_all(b"GET /run/this HTTP/1.0\r\n\r\n")?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer)?;
/// assert!(answer.ends_with("\r\n\r\nyou asked for /this\n"), "{answer}");
/// # serving.kill().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_protocols::gateway::Cgi;
/// use eventlet_protocols::gateway::cgi::Authorization;
/// use http::Request;
/// use std::time::Duration;
///
/// let script = r#"
///     printf 'Content-Type: text/plain\n\n%s by %s' "$GREETING" "$SERVER_NAME"
///     echo seen >&2
/// "#;
/// let hello = Cgi::new("sh")
///     .arg("-c")
///     .arg(script)
///     .env("GREETING", "hello")
///     .server("a.example", 80)
///     .document_root("/srv/www")
///     .authorization(Authorization::Withheld)
///     .head_limit(Duration::from_secs(20))
///     .silence_limit(Duration::from_secs(20))
///     .gathered_limit(64 << 10)
///     .processes(4)
///     .log(|line| assert_eq!(line, "seen"))
///     .site(|_| unreachable!("it redirects nobody"));
///
/// let request = Request::get("/some/path").body(std::io::empty())?;
/// let response = hello.respond(request, None, Some(0));
/// assert_eq!(response.status(), 200);
/// assert_eq!(response.headers()["content-type"], "text/plain");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "it answers nothing until it is a server's handler"]
pub struct Cgi {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    place: Place,
    limits: Limits,
    running: Semaphore,
    log: Option<Log>,
    site: Option<Site>,
}

/// What is allowed at most.
#[derive(Clone, Copy, Debug)]
struct Limits {
    head: Duration,
    silence: Duration,
    gathered: usize,
}

impl Cgi {
    /// A program, found along `PATH` if its name has no slash. Mounted at the root.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Cgi {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            place: Place {
                script_name: String::new(),
                document_root: None,
                server_name: None,
                server_port: None,
                authorization: Authorization::default(),
            },
            limits: Limits {
                head: DEFAULT_HEAD_TIME,
                silence: DEFAULT_SILENCE,
                gathered: DEFAULT_GATHERED,
            },
            running: Semaphore::new(DEFAULT_PROCESSES),
            log: None,
            site: None,
        }
    }

    /// Adds an argument: for an interpreter, its script.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds a variable to the environment. The meta-variables come after it, and win.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let (name, value) = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.environment.push((name, value));
        self
    }

    /// The path that the program stands for: `SCRIPT_NAME`. What follows it is `PATH_INFO`; requests
    /// for other paths are answered 404. Default: the root, so that all paths are `PATH_INFO`.
    pub fn mounted_at(mut self, path: &str) -> Self {
        self.place.script_name = path.trim_end_matches('/').to_owned();
        self
    }

    /// The directory that `PATH_TRANSLATED` is below. Default: none, and the variable is not set.
    pub fn document_root(mut self, directory: impl Into<PathBuf>) -> Self {
        self.place.document_root = Some(directory.into().into());
        self
    }

    /// The server's name and port. Default: what the client says in `Host`, which it may say as it
    /// likes; a program that builds addresses of it wants them set.
    pub fn server(mut self, name: impl Into<String>, port: u16) -> Self {
        self.place.server_name = Some(name.into());
        self.place.server_port = Some(port);
        self
    }

    /// Whether the program is told `Authorization`. Default: it is withheld.
    pub fn authorization(mut self, authorization: Authorization) -> Self {
        self.place.authorization = authorization;
        self
    }

    /// How long the head of the response may take, the wait for a [turn](Self::processes) included;
    /// the client is then told 504, or 503 if the program was not started. Default:
    /// [`DEFAULT_HEAD_TIME`].
    pub fn head_limit(mut self, limit: Duration) -> Self {
        self.limits.head = limit;
        self
    }

    /// How long the program may be silent in the middle of its response, or may take to read more of
    /// the request; the connection is then cut. Default: [`DEFAULT_SILENCE`].
    pub fn silence_limit(mut self, limit: Duration) -> Self {
        self.limits.silence = limit;
        self
    }

    /// How large a body of unknown length may be; past it: 411. Default: [`DEFAULT_GATHERED`].
    pub fn gathered_limit(mut self, bytes: usize) -> Self {
        self.limits.gathered = bytes;
        self
    }

    /// How many copies of the program run at a time; others wait their turn. Default:
    /// [`DEFAULT_PROCESSES`].
    pub fn processes(mut self, most: usize) -> Self {
        self.running = Semaphore::new(most);
        self
    }

    /// What is called with each line that the program writes to standard error, without its line
    /// end, and with what is wrong with its response. Default: it goes to standard error.
    pub fn log(mut self, log: impl Fn(&str) + 'static) -> Self {
        self.log = Some(Rc::new(log));
        self
    }

    /// What answers when the program says `Location: /path` and no more (a local redirect, section
    /// 6.2.2): it is given a GET request for that path with the fields of the first. Default: the
    /// client is told to ask there, by 302.
    pub fn site(mut self, site: impl Fn(Request<()>) -> Response<Body> + 'static) -> Self {
        self.site = Some(Rc::new(site));
        self
    }

    /// Answers a request that did not come from the server, or not just so. `peer` is
    /// the client's address, if it has one; `length` that of the body, if it is known.
    pub fn respond<B: Read + 'static>(
        &self,
        request: Request<B>,
        peer: Option<SocketAddr>,
        length: Option<u64>,
    ) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let has_length = parts.headers.contains_key(CONTENT_LENGTH);
        let outcome = match length {
            Some(0) if !has_length => self.answer(parts, io::empty(), peer, None),
            Some(length) => self.answer(parts, body, peer, Some(length)),
            None => gather(body, self.limits.gathered).and_then(|bytes| {
                let length = bytes.len() as u64;
                self.answer(parts, io::Cursor::new(bytes), peer, Some(length))
            }),
        };
        outcome.unwrap_or_else(|status| error_page(status, None).map(Body::from))
    }

    fn answer<B: Read + 'static>(
        &self,
        parts: http::request::Parts,
        body: B,
        peer: Option<SocketAddr>,
        length: Option<u64>,
    ) -> Result<Response<Body>, StatusCode> {
        let variables = meta::variables(&self.place, &parts, peer, length)?;
        let turn = match self.running.acquire_timeout(self.limits.head) {
            Ok(Some(turn)) => turn,
            Ok(None) => return Err(StatusCode::SERVICE_UNAVAILABLE),
            Err(reason) => return Err(self.fault(&reason)),
        };
        let child = self.command(variables).spawn();
        let child = child.map_err(|error| self.fault(&error))?;
        let exchange = Exchange::begin(child, body, turn, self.limits, self.line_log());
        exchange.answer(&parts, self.site.as_ref())
    }

    fn command(&self, variables: Vec<(OsString, OsString)>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(Group::New)
            .on_drop(OnDrop::Kill);
        let program = PathBuf::from(&self.program);
        if let (true, Some(directory)) = (program.is_absolute(), program.parent()) {
            command.current_dir(directory);
        }
        command
    }

    /// Something that is the server's fault, or its surroundings'.
    fn fault(&self, error: &dyn fmt::Display) -> StatusCode {
        (self.line_log())(&error.to_string());
        StatusCode::INTERNAL_SERVER_ERROR
    }

    fn line_log(&self) -> Log {
        match &self.log {
            Some(log) => Rc::clone(log),
            None => {
                let program = self.program.display().to_string();
                Rc::new(move |line| eprintln!("eventlet: cgi {program}: {line}"))
            }
        }
    }
}

/// A body whose length nobody has said.
fn gather(body: impl Read, limit: usize) -> Result<Vec<u8>, StatusCode> {
    let mut bytes = Vec::new();
    let read = body.take(limit as u64 + 1).read_to_end(&mut bytes);
    match read {
        Err(_) => Err(StatusCode::BAD_REQUEST),
        Ok(count) if count > limit => Err(StatusCode::LENGTH_REQUIRED),
        Ok(_) => Ok(bytes),
    }
}

impl Handler for Cgi {
    fn handle(&self, request: Request<RequestBody>) -> Response<Body> {
        let peer = request.body().peer_addr();
        let length = request.body().remaining();
        self.respond(request, peer, length)
    }
}

impl fmt::Debug for Cgi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cgi")
            .field("program", &self.program)
            .field("arguments", &self.arguments)
            .field("place", &self.place)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
