//! A request put together step by step, and the two ways to send it: for the response as it is, and
//! for a success with its body.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use eventlet_green::now;
use http::{HeaderName, HeaderValue, Method, Request, Response, request};

use super::agent::{Agent, FinalUri};
use super::body::Body;
use super::endpoint::parse_url;
use super::error::Error;
use super::response_body::{Extent, ResponseBody};
use super::status::StatusError;

/// A request that is being put together. What is wrong with a part of it is said when it is sent.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::client::Agent;
/// use eventlet_protocols::server::{Body, RequestBody, Server};
/// use http::{Method, Request, Response};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let url = format!("http://{}/", listener.local_addr()?);
/// eventlet_green::spawn(move || {
///     let echo = |request: Request<RequestBody>| {
///         let status = if request.headers().contains_key("x-key") { 200 } else { 403 };
///         Response::builder().status(status).body(Body::reader(request.into_body())).unwrap()
///     };
///     Server::new(echo).serve(listener)
/// });
/// let agent = Agent::new();
/// let call = |agent: &Agent| agent.call(Method::POST, &url).body("hello");
///
/// let response = call(&agent).header("x-key", "k").fetch()?; // fails if not 2xx
/// assert_eq!(response.body(), "hello");
/// let response = call(&agent).ok([200, 403]).fetch()?; // 403 is fine, too
/// assert_eq!(response.status(), 403);
/// let response = call(&agent).send()?; // whatever the status, and the body as it comes
/// assert_eq!(response.into_body().into_text()?, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a call does nothing before it is sent"]
pub struct Call {
    agent: Agent,
    url: Result<(), Error>,
    parts: request::Builder,
    body: Body,
    ok: Option<Vec<u16>>,
    whole: Option<Duration>,
}

impl Call {
    pub(super) fn new(agent: Agent, method: Method, url: &str) -> Self {
        let parts = Request::builder().method(method);
        let (url, parts) = match parse_url(url) {
            Ok(uri) => (Ok(()), parts.uri(uri)),
            Err(error) => (Err(error), parts),
        };
        let whole = agent.config().whole;
        Call {
            agent,
            url,
            parts,
            body: Body::empty(),
            ok: None,
            whole,
        }
    }

    /// With one more field.
    pub fn header<K, V>(mut self, name: K, value: V) -> Self
    where
        K: TryInto<HeaderName>,
        K::Error: Into<http::Error>,
        V: TryInto<HeaderValue>,
        V::Error: Into<http::Error>,
    {
        self.parts = self.parts.header(name, value);
        self
    }

    /// With this body.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Which statuses count as success for [`fetch`](Self::fetch). Default: all of 2xx. (The
    /// original's were 200, 201 and 204.)
    pub fn ok(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.ok = Some(statuses.into_iter().collect());
        self
    }

    /// How long all of it may take, instead of [`Config::whole`](super::Config::whole).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::TcpListener;
    /// use eventlet_protocols::client::{Agent, Error, Phase};
    /// use http::Method;
    /// use std::time::Duration;
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?; // Who never accepts, and never answers.
    /// let url = format!("http://{}/", listener.local_addr()?);
    /// let call = Agent::new().call(Method::GET, &url).timeout(Duration::from_millis(10));
    /// let error = call.fetch().unwrap_err();
    /// assert!(error.is_timeout() && matches!(error, Error::Timeout(Phase::Whole)));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn timeout(mut self, whole: Duration) -> Self {
        self.whole = Some(whole);
        self
    }

    /// Sends it, and gives the response whatever its status, once its head has come; see
    /// [`Agent::request`].
    ///
    /// # Errors
    ///
    /// An [`Error`], but not [`Error::Status`].
    pub fn send(self) -> Result<Response<ResponseBody>, Error> {
        self.url?;
        let request = self.parts.body(self.body);
        let request = request.map_err(|error| Error::Request(error.to_string()))?;
        let whole = self.whole.map(|limit| now() + limit);
        self.agent.run(request, whole)
    }

    /// Sends it, and reads the whole body of the response.
    ///
    /// # Errors
    ///
    /// * [`Error::Status`], with the response, if its status is no [success](Self::ok).
    /// * [`Error::TooLarge`]: see [`Config::in_memory`](super::Config::in_memory).
    /// * What else can go wrong.
    pub fn fetch(mut self) -> Result<Response<Bytes>, Error> {
        let ok = self.ok.take();
        let method = self.parts.method_ref().cloned().unwrap_or_default();
        let kept = self.agent.config().error_body as u64;
        let response = self.send()?;
        let is_ok = match &ok {
            Some(statuses) => statuses.contains(&response.status().as_u16()),
            None => response.status().is_success(),
        };
        let (parts, mut body) = response.into_parts();
        if is_ok {
            return Ok(Response::from_parts(parts, body.into_bytes()?));
        }
        Err(status_error(method, parts, body.collect(kept)))
    }
}

/// The error of a response; that its body does not come to its end is a small matter then.
fn status_error(
    method: Method,
    mut parts: http::response::Parts,
    body: Result<(Bytes, Extent), Error>,
) -> Error {
    let (body, extent) = body.unwrap_or((Bytes::new(), Extent::Part));
    let uri = parts.extensions.remove::<FinalUri>();
    Error::Status(Box::new(StatusError {
        method,
        uri: uri.map(|FinalUri(uri)| uri).unwrap_or_default(),
        status: parts.status,
        headers: parts.headers,
        body,
        is_cut: extent == Extent::Part,
    }))
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.parts.method_ref())
            .field("uri", &self.parts.uri_ref())
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}
