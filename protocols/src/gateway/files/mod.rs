//! Static files: what lies beneath a directory, and nothing else.
//!
//! ```no_run
//! use eventlet_green::net::TcpListener;
//! use eventlet_protocols::gateway::{self, Files};
//!
//! fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:8080")?;
//!     gateway::serve(listener, Files::beneath("public")?)
//! }
//! ```
//!
//! # What is answered
//!
//! | request | answer |
//! |---|---|
//! | a file | 200, with `Content-Type` by its ending, `ETag`, `Last-Modified`, `Accept-Ranges` |
//! | `Range` (RFC 9110 section 14) | 206; `multipart/byteranges` for several; 416; ignored if malformed, or with more than [`MAX_RANGES`] |
//! | `If-Match`, `If-Unmodified-Since`, `If-None-Match`, `If-Modified-Since`, `If-Range` (section 13) | 304, 412, or the file |
//! | a directory | its index file; without the slash at the end, 301 to the path with it |
//! | `HEAD` | as `GET`, without the body |
//! | other methods | 405 |
//! | nothing there, or nothing to be shown | 404 |
//! | not to be read by the server, or a symbolic link that leads out | 403 |
//!
//! # What can be reached
//!
//! The directory is opened once. Names are decoded segment by segment, and a segment that is empty,
//! `.` or `..`, or holds a slash, a backslash or NUL is nowhere, however it was written. What is left
//! is opened beneath the directory by the kernel (`openat2` with `RESOLVE_BENEATH`, or name by name
//! where that is missing: `cap-std`), so that no race with a renaming leads out. Symbolic links are
//! followed as long as they are relative and stay beneath; others are 403. Names that begin with a
//! dot are 404, as version control and editors leave such; [`Hidden::Served`] shows them.
//!
//! # The disk
//!
//! Everything that asks the disk runs on the threads of [`offload`](eventlet_green::offload()), or of
//! a [pool](Files::pool) of one's own: a slow disk holds up nobody but those who asked for its files.
//! A file of any size takes one buffer of [`PIECE`] bytes per request. A file that shrinks while it
//! is sent cuts the connection, as its length has been announced.

mod conditions;
mod look;
mod name;
mod ranges;
mod sending;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use eventlet_green::{OffloadPool, offload};
use http::header::HeaderValue;
use http::{HeaderMap, Method, Request, Response, StatusCode};

use super::ErrorResponse;
use crate::server::{Body, Handler, IntoResponse, RequestBody};

pub use ranges::MAX_RANGES;
pub use sending::PIECE;

/// The index file of a directory, unless another one is set.
const INDEX: &str = "index.html";

/// What is done with names that begin with a dot.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::gateway::Files;
/// use eventlet_protocols::gateway::files::Hidden;
///
/// let files = Files::beneath(".")?.hidden(Hidden::Served); // .git and all.
/// # drop(files);
/// assert_eq!(Hidden::default(), Hidden::NotFound);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hidden {
    /// They are not there, but for `.well-known` (RFC 8615).
    #[default]
    NotFound,
    /// They are files like others.
    Served,
}

/// The files beneath a directory, as a [`Handler`].
///
/// # Examples
///
/// Beneath a prefix, beside other things:
///
/// ```
/// use eventlet_protocols::gateway::{ErrorResponse, Files};
/// use eventlet_protocols::server::{Body, RequestBody, Server};
/// use http::{HeaderValue, Request, Response};
///
/// # let folder = std::env::temp_dir();
/// let files = Files::beneath(folder)?
///     .cache_control(HeaderValue::from_static("max-age=3600"));
/// let server = Server::new(move |request: Request<RequestBody>| {
///     match request.uri().path().strip_prefix("/static") {
///         Some(rest) => Ok(files.respond(rest, &request)),
///         None => Err(ErrorResponse::not_found()),
///     }
/// });
/// # drop(server);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Files {
    settings: Arc<Settings>,
    pool: Option<OffloadPool>,
}

/// What the threads that ask the disk have to know.
#[derive(Clone)]
struct Settings {
    root: Arc<Dir>,
    index: Option<String>,
    hidden: Hidden,
    cache_control: Option<HeaderValue>,
}

impl Files {
    /// The files beneath this directory. It is opened now: if another one takes its name later,
    /// that is not seen.
    ///
    /// # Errors
    ///
    /// It cannot be opened, or is no directory.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::OffloadPool;
    /// use eventlet_protocols::gateway::Files;
    /// use eventlet_protocols::gateway::files::Hidden;
    /// use http::Request;
    ///
    /// # let folder = std::env::temp_dir().join(format!("eventlet-doc-files-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// std::fs::write(folder.join("start.html"), "<p>hello")?;
    /// std::fs::write(folder.join(".secret"), "")?;
    /// let disk = OffloadPool::builder().threads(2).build();
    /// let files = Files::beneath(&folder)?.index("start.html").hidden(Hidden::NotFound).pool(disk);
    ///
    /// let request = Request::get("/").body(())?;
    /// assert_eq!(files.respond("/", &request).headers()["content-type"], "text/html; charset=utf-8");
    /// assert_eq!(files.respond("/.secret", &request).status(), 404);
    /// let files = files.without_index();
    /// assert_eq!(files.respond("/", &request).status(), 404);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn beneath(root: impl AsRef<Path>) -> io::Result<Self> {
        let root = root.as_ref().to_owned();
        let root = offload(move || Dir::open_ambient_dir(root, ambient_authority()))??;
        Ok(Files {
            settings: Arc::new(Settings {
                root: Arc::new(root),
                index: Some(INDEX.to_owned()),
                hidden: Hidden::default(),
                cache_control: None,
            }),
            pool: None,
        })
    }

    /// The file that is shown for a directory. Default `index.html`.
    pub fn index(mut self, name: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.settings).index = Some(name.into());
        self
    }

    /// Shows no file for a directory: it is 404.
    pub fn without_index(mut self) -> Self {
        Arc::make_mut(&mut self.settings).index = None;
        self
    }

    /// What is done with names that begin with a dot. Default [`Hidden::NotFound`]: what is put
    /// there was hardly meant for the world.
    pub fn hidden(mut self, hidden: Hidden) -> Self {
        Arc::make_mut(&mut self.settings).hidden = hidden;
        self
    }

    /// The `Cache-Control` of all files (RFC 9111 section 5.2). Default none: caches then ask again
    /// by their own rules, and are answered 304.
    pub fn cache_control(mut self, value: HeaderValue) -> Self {
        Arc::make_mut(&mut self.settings).cache_control = Some(value);
        self
    }

    /// The threads that ask the disk. Default those that the process shares, which look up names,
    /// too: a directory on a disk that may hang should have its own.
    pub fn pool(mut self, pool: OffloadPool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Answers a request for this path beneath the directory: absolute, and percent-encoded as in
    /// the request; the request's own path is not looked at.
    pub fn respond<B>(&self, path: &str, request: &Request<B>) -> Response<Body> {
        match self.try_respond(path, request) {
            Ok(response) => response,
            Err(error) => error.into_response(),
        }
    }

    fn try_respond<B>(
        &self,
        path: &str,
        request: &Request<B>,
    ) -> Result<Response<Body>, ErrorResponse> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(ErrorResponse::not_allowed("GET, HEAD"));
        }
        let Some(name) = name::decode(path, self.settings.hidden) else {
            return Err(ErrorResponse::not_found());
        };
        let asked = look::Asked {
            settings: Arc::clone(&self.settings),
            name,
            method: request.method().clone(),
            headers: conditions::of_interest(request.headers()),
        };
        let seen = run(self.pool.as_ref(), move || look::look(&asked))?;
        match seen {
            look::Seen::Done(head, bytes) => Ok(Response::from_parts(*head, bytes.into())),
            look::Seen::Large(head, parts) => {
                let body = sending::body(parts, self.pool.clone());
                Ok(Response::from_parts(*head, body))
            }
            look::Seen::Directory => Ok(redirect(path, request.uri().query())),
            look::Seen::Error(status) => Err(ErrorResponse::new(status)),
            look::Seen::Failed(error) => Err(error.into()),
        }
    }
}

impl Handler for Files {
    fn handle(&self, request: Request<RequestBody>) -> Response<Body> {
        self.respond(request.uri().path(), &request)
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("index", &self.settings.index)
            .field("hidden", &self.settings.hidden)
            .field("cache_control", &self.settings.cache_control)
            .finish_non_exhaustive()
    }
}

/// Runs what asks the disk where it holds nobody up.
fn run<T, F>(pool: Option<&OffloadPool>, f: F) -> io::Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    match pool {
        Some(pool) => pool.offload(f),
        None => offload(f),
    }
}

/// To the same path with a slash at its end, so that relative links on the index page are right.
/// Relative, as the path may be beneath a prefix; and with a dot before, so that no name is taken
/// for a scheme (RFC 3986 section 4.2) or a host.
fn redirect(path: &str, query: Option<&str>) -> Response<Body> {
    let last = path.rsplit('/').next().unwrap_or_default();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let moved = ErrorResponse::new(StatusCode::MOVED_PERMANENTLY);
    match HeaderValue::try_from(format!("./{last}/{query}")) {
        Ok(location) => moved
            .header(http::header::LOCATION, location)
            .into_response(),
        Err(_) => ErrorResponse::not_found().into_response(),
    }
}

/// The fields that are common to 200, 206 and 304 (RFC 9110 section 15.4.5).
fn common_fields(settings: &Settings, validators: &conditions::Validators) -> HeaderMap {
    use http::header::{CACHE_CONTROL, ETAG, LAST_MODIFIED};
    let mut fields = HeaderMap::new();
    fields.insert(ETAG, validators.etag());
    if let Some(modified) = validators.last_modified() {
        fields.insert(LAST_MODIFIED, modified);
    }
    if let Some(value) = &settings.cache_control {
        fields.insert(CACHE_CONTROL, value.clone());
    }
    fields
}
