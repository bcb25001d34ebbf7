//! What may stand behind the server: a function, a [`Site`], a service of tower, a directory,
//! a program.
//!
//! The server calls a [`Handler`]; here is what becomes one, and one [`serve`] for all of them. How
//! requests come and responses go is the job of [`server`](crate::server).
//!
//! | what | by | feature |
//! |---|---|---|
//! | a function from a request to a response | [`Handler`] | |
//! | [`Site`]: parsers by content type, return values that are adapted | [`IntoHandler`] | |
//! | `Cgi`: a program in any language, started for each request | [`Handler`] | `cgi` |
//! | `Files`: the files beneath a directory | [`Handler`] | `files` |
//! | any `tower_service::Service` over the types of `http`: a router of axum's | [`IntoHandler`] | `tower` |
//!
//! ```no_run
//! use eventlet_green::net::TcpListener;
//! use eventlet_protocols::gateway;
//! use eventlet_protocols::server::RequestBody;
//! use http::Request;
//!
//! fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:8080")?;
//!     gateway::serve(listener, |request: Request<RequestBody>| {
//!         format!("you asked for {}\n", request.uri().path())
//!     })
//! }
//! ```

#[cfg(feature = "cgi")]
pub mod cgi;
mod error_response;
#[cfg(feature = "files")]
pub mod files;
mod returns;
pub mod site;
#[cfg(feature = "tower")]
pub mod tower;

use std::io;

use eventlet_green::net::TcpListener;

use crate::server::{Handler, Server};

#[cfg(feature = "cgi")]
pub use cgi::Cgi;
pub use error_response::ErrorResponse;
#[cfg(feature = "files")]
pub use files::Files;
pub use site::Site;

/// What can be made a [`Handler`] of. `Kind` only tells the ways apart, and is inferred.
///
/// Not to be implemented by programs: they implement [`Handler`], [`Site`] or
/// `tower_service::Service`.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::gateway::IntoHandler;
/// use eventlet_protocols::server::{Body, RequestBody, Server};
/// use http::{Request, Response};
///
/// /// As a program's own `serve` may have it: functions, sites, services, files.
/// fn server<Kind>(app: impl IntoHandler<Kind>) -> Server {
///     Server::new(app.into_handler())
/// }
///
/// # let _ =
/// server(|_: Request<RequestBody>| Response::new(Body::from("hello")));
/// ```
pub trait IntoHandler<Kind> {
    /// What it becomes.
    type Handler: Handler;

    /// Becomes it.
    fn into_handler(self) -> Self::Handler;
}

/// The [kind](IntoHandler) of what is a handler itself.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::gateway::{AsHandler, Files, IntoHandler};
///
/// // The one kind that `Files` is of, so the compiler finds it.
/// let handler = IntoHandler::<AsHandler>::into_handler(Files::beneath(".")?);
/// let _: Files = handler;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct AsHandler;

/// Functions, `Files`, and whatever else is a handler by itself.
impl<H: Handler> IntoHandler<AsHandler> for H {
    type Handler = H;

    fn into_handler(self) -> H {
        self
    }
}

/// Makes a handler of anything that can be one, for a [`Server`] with settings of one's own.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::gateway::handler;
/// use eventlet_protocols::server::{Config, RequestBody, Server};
/// use http::{Request, StatusCode};
///
/// let teapot = handler(|_: Request<RequestBody>| StatusCode::IM_A_TEAPOT);
/// let server = Server::with_config(teapot, Config::new());
/// # drop(server);
/// ```
pub fn handler<Kind, A: IntoHandler<Kind>>(app: A) -> A::Handler {
    app.into_handler()
}

/// Serves anything that can be a handler with the server's default settings; see
/// [`Server::serve`]. With settings, or to stop it: [`handler`].
///
/// # Errors
///
/// What `accept` gives that trying again does not mend.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::{TcpListener, TcpStream};
/// use eventlet_green::spawn;
/// use eventlet_protocols::gateway;
/// use eventlet_protocols::server::RequestBody;
/// use http::Request;
/// use std::io::{Read, Write};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// let serving = spawn(|| gateway::serve(listener, |_: Request<RequestBody>| "hello"));
///
/// let mut client = TcpStream::connect(address)?;
/// client.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer)?;
/// assert!(answer.contains("Content-Type: text/plain; charset=utf-8\r\n"));
/// assert!(answer.ends_with("\r\n\r\nhello"));
/// # serving.kill().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn serve<Kind>(listener: TcpListener, app: impl IntoHandler<Kind>) -> io::Result<()> {
    Server::new(app.into_handler()).serve(listener)
}
