//! The client as a program holds it: settings, and connections that are kept for the next request.
//!
//! Here a request goes its way: which way that is, on which connection, whether once more, and where a
//! redirect leads. What happens on the connection is the business of [`exchange`](super::exchange).

use std::fmt;
use std::rc::Rc;

use eventlet_green::{Time, now};
use http::header::{self, HeaderMap};
use http::{Method, Request, Response, Uri};

use super::asked::{Asked, respond};
use super::body::Body;
use super::call::Call;
use super::config::Config;
use super::connect::{check, connect};
use super::endpoint::Endpoint;
use super::error::Error;
use super::exchange::{Conn, Failure, exchange};
use super::follow::{Next, Trail};
use super::pool::{Lease, Pool, PoolStatus};
use super::proxy::Route;
use super::response_body::ResponseBody;
use crate::wire::ConnectionOptions;

/// A client: settings, and the connections that are kept. Clones share both.
///
/// It belongs to its thread, as all of green does; any number of coroutines may use it at a time.
/// There are no cookies, on purpose: a program that keeps its users' sessions apart is better off
/// with setting the field itself.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::client::Agent;
/// use eventlet_protocols::server::{Body, Server};
/// use http::Response;
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// eventlet_green::spawn(move || {
///     Server::new(|_| Response::new(Body::from("hello"))).serve(listener)
/// });
/// let agent = Agent::new();
/// for _ in 0..3 {
///     assert_eq!(agent.get(&format!("http://{address}/"))?, "hello"); // on one connection
/// }
/// assert_eq!(agent.status().idle, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Agent {
    config: Rc<Config>,
    pool: Rc<Pool>,
}

/// The URL that a response came from, after redirects: among its
/// [extensions](http::Response::extensions).
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::client::{Agent, FinalUri};
/// use eventlet_protocols::server::{Body, RequestBody, Server};
/// use http::{Method, Request, Response};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let url = format!("http://{}/old", listener.local_addr()?);
/// eventlet_green::spawn(move || {
///     let moved = |request: Request<RequestBody>| match request.uri().path() {
///         "/old" => Response::builder().status(301).header("location", "/new").body(Body::empty()),
///         _ => Response::builder().body(Body::from("here")),
///     };
///     Server::new(move |request| moved(request).unwrap()).serve(listener)
/// });
/// let response = Agent::new().call(Method::GET, &url).fetch()?;
/// let FinalUri(uri) = response.extensions().get().expect("every response has it");
/// assert_eq!(uri.path(), "/new");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FinalUri(pub Uri);

impl Agent {
    /// A client with the default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// A client with settings.
    pub fn with_config(config: Config) -> Self {
        let config = Rc::new(config);
        let pool = Pool::new(Rc::clone(&config));
        Agent { config, pool }
    }

    /// Sends a request, whose URL has scheme and host, and gives the response, whatever its status.
    /// Redirects are followed as [`Config::redirects`] says; one that wants a body again that can be
    /// sent once only is given as it is.
    ///
    /// The client writes the fields that rule the connection itself: `Host`, `Content-Length`,
    /// `Transfer-Encoding`, `TE`, `Keep-Alive`. Of `Connection` it hears `close` and, with an `Upgrade`
    /// field, `upgrade`. `Expect: 100-continue` has it wait before it sends a body.
    ///
    /// A request is sent a second time only if its connection had been kept from an earlier one and
    /// ended before a byte of a response came, and only if its method is idempotent or nothing of it
    /// had been sent (RFC 9112 section 9.3.1, RFC 9110 section 9.2.2).
    ///
    /// # Errors
    ///
    /// An [`Error`], but not [`Error::Status`].
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::client::{Agent, Body};
    /// use http::Request;
    /// # use eventlet_green::net::TcpListener;
    /// # use eventlet_protocols::server::{self, Server};
    /// # use http::Response;
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let url = format!("http://{}/", listener.local_addr()?);
    /// # eventlet_green::spawn(move || {
    /// #     let missing = |_| Response::builder().status(404).body(server::Body::from("no")).unwrap();
    /// #     Server::new(missing).serve(listener)
    /// # });
    ///
    /// let agent = Agent::new();
    /// let request = Request::put(&url).header("if-none-match", "*").body(Body::from("new"))?;
    /// let response = agent.request(request)?;
    /// assert_eq!(response.status(), 404); // Which is no error here.
    /// assert_eq!(response.into_body().into_text()?, "no");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn request(&self, request: Request<Body>) -> Result<Response<ResponseBody>, Error> {
        let whole = self.config.whole.map(|limit| now() + limit);
        self.run(request, whole)
    }

    /// A request that is put together step by step.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::client::Agent;
    /// use http::Method;
    ///
    /// let call = Agent::new().call(Method::GET, "no url");
    /// assert!(call.fetch().is_err(), "what is wrong is said when it is sent");
    /// ```
    pub fn call(&self, method: Method, url: &str) -> Call {
        Call::new(self.clone(), method, url)
    }

    /// The body at a URL.
    ///
    /// # Errors
    ///
    /// [`Error::Status`], with the response, if its status is none of 2xx; what else can go wrong.
    pub fn get(&self, url: &str) -> Result<bytes::Bytes, Error> {
        self.verb(Method::GET, url, Body::empty())
    }

    /// The fields that [`get`](Self::get) would come with.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::client::{Agent, Config};
    /// # use eventlet_green::net::TcpListener;
    /// # use eventlet_protocols::server::{Body, RequestBody, Server};
    /// # use http::{Request, Response};
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let url = format!("http://{}/", listener.local_addr()?);
    /// # eventlet_green::spawn(move || {
    /// #     let echo = |request: Request<RequestBody>| {
    /// #         let method = request.method().as_str().to_owned();
    /// #         Response::builder().header("x-method", &method).body(Body::from(method)).unwrap()
    /// #     };
    /// #     Server::new(echo).serve(listener)
    /// # });
    ///
    /// // A server that answers with the method it was asked by.
    /// let agent = Agent::with_config(Config::new());
    /// assert_eq!(agent.head(&url)?["x-method"], "HEAD");
    /// assert_eq!(agent.put(&url, "text")?, "PUT");
    /// assert_eq!(agent.post(&url, vec![1, 2, 3])?, "POST");
    /// assert_eq!(agent.delete(&url)?, "DELETE");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn head(&self, url: &str) -> Result<HeaderMap, Error> {
        let response = self.call(Method::HEAD, url).fetch()?;
        Ok(response.into_parts().0.headers)
    }

    /// Puts a body at a URL; gives that of the response.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub fn put(&self, url: &str, body: impl Into<Body>) -> Result<bytes::Bytes, Error> {
        self.verb(Method::PUT, url, body.into())
    }

    /// Posts a body to a URL; gives that of the response.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub fn post(&self, url: &str, body: impl Into<Body>) -> Result<bytes::Bytes, Error> {
        self.verb(Method::POST, url, body.into())
    }

    /// Deletes what is at a URL; gives the body of the response.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub fn delete(&self, url: &str) -> Result<bytes::Bytes, Error> {
        self.verb(Method::DELETE, url, Body::empty())
    }

    /// Connections in use and kept.
    pub fn status(&self) -> PoolStatus {
        self.pool.status()
    }

    /// Closes the connections that idle.
    ///
    /// # Examples
    ///
    /// ```
    /// # use eventlet_green::net::TcpListener;
    /// # use eventlet_protocols::client::Agent;
    /// # use eventlet_protocols::server::{Body, Server};
    /// # use http::Response;
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let url = format!("http://{}/", listener.local_addr()?);
    /// # eventlet_green::spawn(move || Server::new(|_| Response::new(Body::from("hi"))).serve(listener));
    /// let agent = Agent::new();
    /// agent.get(&url)?;
    /// assert_eq!(agent.status().idle, 1);
    /// agent.close_idle();
    /// assert_eq!(agent.status().idle, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close_idle(&self) {
        self.pool.close_idle();
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    fn verb(&self, method: Method, url: &str, body: Body) -> Result<bytes::Bytes, Error> {
        let response = self.call(method, url).body(body).fetch()?;
        Ok(response.into_body())
    }

    /// Sends a request along all its redirects.
    pub(super) fn run(
        &self,
        request: Request<Body>,
        whole: Option<Time>,
    ) -> Result<Response<ResponseBody>, Error> {
        let (parts, mut body) = request.into_parts();
        let mut asked = Asked::of(parts);
        let mut trail = Trail::new(self.config.redirects);
        loop {
            let again = body.again();
            let response = self.ask(&asked, body, whole)?;
            match trail.next(&mut asked, &response, again)? {
                Next::Stop => {
                    let mut response = response;
                    response.extensions_mut().insert(FinalUri(asked.uri));
                    return Ok(response);
                }
                Next::Go(next) => {
                    // Its end is worth a connection, if it is near; its failure nothing.
                    let _ = response.into_body().collect(self.config.limits.drain);
                    body = next;
                }
            }
        }
    }

    /// Sends one request, a second time where that is safe.
    fn ask(
        &self,
        asked: &Asked,
        body: Body,
        whole: Option<Time>,
    ) -> Result<Response<ResponseBody>, Error> {
        let origin = Endpoint::of(&asked.uri)?;
        check(&origin)?;
        let route = match self.config.unix_socket {
            Some(_) => Route {
                origin,
                proxy: None,
            },
            None => self.config.proxies.route(origin),
        };
        let mut again = body.again();
        let mut outgoing = asked.outgoing(&route, body, &self.config)?;
        let mut lease = self.pool.lease(&route, whole)?;
        loop {
            let conn = match lease.conn.take() {
                Some(kept) => kept,
                None => Conn::new(connect(&route, &self.config, whole)?),
            };
            let was_kept = conn.is_used;
            // From here on it is the lease's to close.
            let conn = lease.conn.insert(conn);
            match exchange(conn, outgoing, &self.config, whole) {
                Ok(answer) => return respond(asked, lease, answer, &self.config, whole),
                Err(failure) => {
                    lease.conn = None;
                    let is_safe = was_kept && failure.is_safe_to_repeat(&asked.method);
                    match again.take() {
                        Some(body) if is_safe => {
                            outgoing = asked.outgoing(&route, body, &self.config)?;
                        }
                        _ => return Err(failure.error),
                    }
                }
            }
        }
    }
}

impl Default for Agent {
    fn default() -> Self {
        Self::with_config(Config::default())
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// One exchange over a stream of the caller's, which is closed afterwards: no redirects, no proxy,
/// nothing a second time. The request's URL says the host, and nothing about where the stream goes.
///
/// # Errors
///
/// As for [`Agent::request`].
///
/// # Examples
///
/// ```
/// use eventlet_green::net::unix::UnixStream;
/// use eventlet_protocols::client::{Body, Config, exchange_over};
/// use http::Request;
/// use std::io::{Read, Write};
///
/// let (near, mut far) = UnixStream::pair()?;
/// let server = eventlet_green::spawn(move || {
///     far.read(&mut [0; 1024])?;
///     far.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
/// });
/// let request = Request::get("http://a.example/").body(Body::empty())?;
/// let response = exchange_over(near, request, &Config::new())?;
/// assert_eq!(response.into_body().into_text()?, "hi");
/// # server.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn exchange_over(
    stream: impl super::Transport,
    request: Request<Body>,
    config: &Config,
) -> Result<Response<ResponseBody>, Error> {
    let whole = config.whole.map(|limit| now() + limit);
    let (parts, body) = request.into_parts();
    let mut asked = Asked::of(parts);
    asked
        .headers
        .insert(header::CONNECTION, closing(&asked.headers));
    let route = Route {
        origin: Endpoint::of(&asked.uri)?,
        proxy: None,
    };
    let outgoing = asked.outgoing(&route, body, config)?;
    let mut lease = Lease::of(Conn::new(Box::new(stream)));
    let Some(conn) = &mut lease.conn else {
        unreachable!("a lease of a connection has one");
    };
    let answer = exchange(conn, outgoing, config, whole).map_err(|failure| failure.error)?;
    respond(&asked, lease, answer, config, whole)
}

/// `Connection` for a request that is the only one: an upgrade stays one.
fn closing(headers: &HeaderMap) -> http::HeaderValue {
    let name = match ConnectionOptions::of(headers).has_upgrade() {
        true => "upgrade",
        false => "close",
    };
    http::HeaderValue::from_static(name)
}

impl Failure {
    /// Whether the same request may be sent again over another connection.
    fn is_safe_to_repeat(&self, method: &Method) -> bool {
        let is_connections = matches!(
            self.error,
            Error::Closed | Error::Send(_) | Error::Receive(_)
        );
        is_connections && self.is_unanswered && (self.is_unsent || method.is_idempotent())
    }
}
