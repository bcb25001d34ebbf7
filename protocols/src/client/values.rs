//! Values instead of bodies: what the original's suites of functions were, over any [`Format`].
//!
//! How a value becomes bytes is the [`format`](mod@crate::format)'s business.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Response};

use super::agent::Agent;
use super::body::Body;
use super::call::Call;
use super::error::Error;
use crate::format::{Dump, Format, Load};

/// An agent that speaks in values of one format. Each call gives the value that the response's body
/// is; a response without a body is a value that says "nothing", if the type has one (in JSON `()`, an
/// `Option`).
///
/// What the server says the body is called is not checked: an error says it
/// ([`LoadError`](crate::format::LoadError)).
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::client::Agent;
/// use eventlet_protocols::format::Text;
/// use eventlet_protocols::server::{Body, RequestBody, Server};
/// use http::{Request, Response};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let url = format!("http://{}/", listener.local_addr()?);
/// eventlet_green::spawn(move || {
///     let echo = |request: Request<RequestBody>| Response::new(Body::reader(request.into_body()));
///     Server::new(echo).serve(listener)
/// });
/// let text = Agent::new().speaking(Text);
/// let answer: String = text.post(&url, "grün")?;
/// assert_eq!(answer, "grün");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```
/// # use eventlet_green::net::TcpListener;
/// # use eventlet_protocols::server::{Body, RequestBody, Server};
/// # use http::{Request, Response};
/// # let listener = TcpListener::bind("127.0.0.1:0")?;
/// # let url = format!("http://{}/", listener.local_addr()?);
/// # eventlet_green::spawn(move || {
/// #     let echo = |request: Request<RequestBody>| match request.method().as_str() {
/// #         "GET" => Response::new(Body::from("got")),
/// #         _ => Response::new(Body::reader(request.into_body())),
/// #     };
/// #     Server::new(echo).serve(listener)
/// # });
/// use eventlet_protocols::client::{Agent, Speaking};
/// use eventlet_protocols::format::Text;
/// use http::Method;
///
/// let text: Speaking<Text> = Agent::new().speaking(Text);
/// let got: String = text.get(&url)?;
/// let put: String = text.put(&url, "put")?;
/// assert_eq!((got.as_str(), put.as_str()), ("got", "put"));
/// text.delete(&url)?;
///
/// // With a field more, and with the head of the response.
/// let call = text.call_with(Method::PATCH, &url, "patched")?.header("if-match", "\"7\"");
/// let response = text.fetch::<String>(call)?;
/// assert_eq!((response.status().as_u16(), response.body().as_str()), (200, "patched"));
/// let call = text.call(Method::GET, &url); // Says by `Accept` what it wants.
/// assert_eq!(text.fetch::<String>(call)?.into_body(), "got");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Speaking<F> {
    agent: Agent,
    format: F,
}

impl Agent {
    /// The same agent, in values of a format.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::client::Agent;
    /// use eventlet_protocols::format::Octets;
    ///
    /// let agent = Agent::new();
    /// let octets = agent.speaking(Octets); // Over the same connections.
    /// # drop(octets);
    /// ```
    pub fn speaking<F: Format>(&self, format: F) -> Speaking<F> {
        Speaking {
            agent: self.clone(),
            format,
        }
    }
}

impl<F: Format> Speaking<F> {
    /// The value at a URL.
    ///
    /// # Errors
    ///
    /// * [`Error::Load`]: the body is no such value.
    /// * [`Error::Status`], and what else can go wrong: see [`Agent::get`].
    pub fn get<T>(&self, url: &str) -> Result<T, Error>
    where
        F: Load<T>,
    {
        self.load(self.call(Method::GET, url))
    }

    /// Puts a value at a URL; gives that of the response.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get); [`Error::Dump`]: the value to put has no form in this format.
    pub fn put<T, V: ?Sized>(&self, url: &str, value: &V) -> Result<T, Error>
    where
        F: Load<T> + Dump<V>,
    {
        self.send(Method::PUT, url, value)
    }

    /// Posts a value to a URL; gives that of the response.
    ///
    /// # Errors
    ///
    /// As for [`put`](Self::put).
    pub fn post<T, V: ?Sized>(&self, url: &str, value: &V) -> Result<T, Error>
    where
        F: Load<T> + Dump<V>,
    {
        self.send(Method::POST, url, value)
    }

    /// Deletes what is at a URL; what the response holds is not looked at, as in the original.
    ///
    /// # Errors
    ///
    /// As for [`Agent::delete`].
    pub fn delete(&self, url: &str) -> Result<(), Error> {
        self.call(Method::DELETE, url).fetch().map(drop)
    }

    /// Sends a call that was put together step by step, such as one with fields or another
    /// [`ok`](Call::ok), and gives the value with the rest of the response.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub fn fetch<T>(&self, call: Call) -> Result<Response<T>, Error>
    where
        F: Load<T>,
    {
        let (parts, body) = call.fetch()?.into_parts();
        let loaded = self.format.load(parts.headers.get(CONTENT_TYPE), &body);
        let value = loaded.map_err(|error| Error::Load(Box::new(error)))?;
        Ok(Response::from_parts(parts, value))
    }

    /// A call that says which format is wanted, to be put together further.
    pub fn call(&self, method: Method, url: &str) -> Call {
        let call = self.agent.call(method, url);
        call.header(ACCEPT, self.format.content_type())
    }

    /// As [`call`](Self::call), with a value as its body.
    ///
    /// # Errors
    ///
    /// [`Error::Dump`].
    pub fn call_with<V: ?Sized>(&self, method: Method, url: &str, value: &V) -> Result<Call, Error>
    where
        F: Dump<V>,
    {
        let dumped = self.format.dump(value);
        let body = dumped.map_err(|error| Error::Dump(Box::new(error)))?;
        let call = self.call(method, url);
        Ok(call
            .header(CONTENT_TYPE, self.format.content_type())
            .body(Body::from(body)))
    }

    fn send<T, V: ?Sized>(&self, method: Method, url: &str, value: &V) -> Result<T, Error>
    where
        F: Load<T> + Dump<V>,
    {
        self.load(self.call_with(method, url, value)?)
    }

    fn load<T>(&self, call: Call) -> Result<T, Error>
    where
        F: Load<T>,
    {
        self.fetch(call).map(Response::into_body)
    }
}
