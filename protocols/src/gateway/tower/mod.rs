//! Services of tower behind the server: `tower_service::Service` over the types of `http`, so that
//! routers and layers that know nothing of coroutines run on green sockets.
//!
//! The service's future is run by green's [`block_on`](eventlet_green::block_on()) in the coroutine of
//! the connection; there is no executor. The request's body is an `http_body::Body` ([`Incoming`])
//! that is read from the socket when it is polled; the response's body is polled and sent piece by
//! piece, trailers included. What needs the reactor of another runtime (its timers, its sockets)
//! panics as it does everywhere outside of that runtime; what blocks by parking (green's sockets,
//! `sleep`, `offload`) may be used within the futures.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use eventlet_green::net::TcpListener;
//! use eventlet_protocols::gateway;
//!
//! fn main() -> std::io::Result<()> {
//!     let router = Router::new().route("/", get(|| async { "hello" }));
//!     gateway::serve(TcpListener::bind("127.0.0.1:8080")?, router)
//! }
//! ```

mod incoming;
mod outgoing;
mod pump;

use std::fmt;
use std::future::poll_fn;
use std::io;

use eventlet_green::block_on;
use http::header::EXPECT;
use http::{Request, Response, StatusCode};
use tower_service::Service;

use super::IntoHandler;
use crate::format::BoxError;
use crate::server::{Body, Handler, IntoResponse, RequestBody};
use crate::wire::error_page;

pub use incoming::Incoming;
use pump::Promise;

/// The [kind](IntoHandler) of a service.
///
/// # Examples
///
/// ```
/// use axum::{Router, routing::get};
/// use eventlet_protocols::gateway::IntoHandler;
/// use eventlet_protocols::gateway::tower::{AsService, ServiceHandler};
///
/// let router: Router = Router::new().route("/", get(|| async { "hello" }));
/// let handler: ServiceHandler<Router> = IntoHandler::<AsService>::into_handler(router);
/// # drop(handler);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct AsService;

/// A service is cloned for each request, as their calls overlap. A request carries in its extensions
/// who it came from, as a [`Peer`](crate::server::Peer).
impl<S, B> IntoHandler<AsService> for S
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + 'static,
    S::Error: Into<BoxError>,
    B: http_body::Body + 'static,
    B::Error: Into<BoxError>,
{
    type Handler = ServiceHandler<S>;

    fn into_handler(self) -> ServiceHandler<S> {
        ServiceHandler { service: self }
    }
}

/// A service as a [`Handler`].
pub struct ServiceHandler<S> {
    service: S,
}

impl<S, B> Handler for ServiceHandler<S>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + 'static,
    S::Error: Into<BoxError>,
    B: http_body::Body + 'static,
    B::Error: Into<BoxError>,
{
    fn handle(&self, request: Request<RequestBody>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(body.peer().clone());
        let promise = match parts.headers.get(EXPECT) {
            Some(_) => Promise::Continue,
            None => Promise::Nothing,
        };
        let (body, pump) = incoming::begin(body, promise);
        let request = Request::from_parts(parts, body);
        let mut service = self.service.clone();
        let answered = block_on(async {
            poll_fn(|context| service.poll_ready(context)).await?;
            service.call(request).await
        });
        match answered {
            Ok(Ok(response)) => outgoing::respond(response, pump),
            Ok(Err(error)) => failure(&error.into()),
            Err(error) => io::Error::from(error).into_response(),
        }
    }
}

/// The client gets 500 without the error's text.
fn failure(error: &BoxError) -> Response<Body> {
    eprintln!("eventlet: a service failed: {error}");
    error_page(StatusCode::INTERNAL_SERVER_ERROR, None).into_response()
}

impl<S> fmt::Debug for ServiceHandler<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceHandler").finish_non_exhaustive()
    }
}
