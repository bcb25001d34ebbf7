//! The body of a request as services get it.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::pump::{Exchange, Promise, Pump};
use crate::server::RequestBody;

/// The body of a request, as an `http_body::Body`. It is read from the socket when it is polled, and
/// from any thread; trailers come as its last frame.
///
/// Its errors are those of [`RequestBody`]. When the request has been answered, what was not read by
/// then is the server's to throw away: to who has kept the body it is a `NotConnected`.
///
/// # Examples
///
/// ```
/// use axum::Router;
/// use axum::body::Body;
/// use axum::extract::Request;
/// use axum::routing::post;
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::gateway::tower::Incoming;
/// use eventlet_protocols::{client, gateway};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let url = format!("http://{}/", listener.local_addr()?);
/// // An `Incoming` within: it is read as the router's own body is.
/// let echo = |request: Request<Body>| async { request.into_body() };
/// let router: Router = Router::new().route("/", post(echo));
/// eventlet_green::spawn(move || gateway::serve(listener, router));
/// assert_eq!(client::post(&url, "back and forth")?, "back and forth");
/// # fn is_body<B: http_body::Body>() {}
/// is_body::<Incoming>();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Incoming {
    /// `None`: there is no body.
    exchange: Option<Arc<Exchange>>,
    /// How much is to come, if that is known.
    remaining: Option<u64>,
    is_over: bool,
}

/// A body for a service, and who reads it.
pub(super) fn begin(body: RequestBody, promise: Promise) -> (Incoming, Option<Pump>) {
    let remaining = body.remaining();
    let mut incoming = Incoming {
        exchange: None,
        remaining,
        is_over: remaining == Some(0),
    };
    if incoming.is_over {
        return (incoming, None);
    }
    let exchange = Arc::<Exchange>::default();
    incoming.exchange = Some(Arc::clone(&exchange));
    match Pump::begin(body, promise, Arc::clone(&exchange)) {
        Ok(pump) => (incoming, Some(pump)),
        Err(error) => {
            exchange.fail(error);
            (incoming, None)
        }
    }
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Some(exchange) = &self.exchange else {
            return Poll::Ready(None);
        };
        let polled = exchange.poll(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                if let Some(remaining) = &mut self.remaining {
                    *remaining = remaining.saturating_sub(length);
                }
                self.is_over = self.remaining == Some(0);
            }
            Poll::Ready(Some(Err(_)) | None) => self.is_over = true,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }

    fn size_hint(&self) -> SizeHint {
        match self.remaining {
            Some(length) => SizeHint::with_exact(length),
            None => SizeHint::default(),
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(exchange) = &self.exchange {
            exchange.abandon();
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("remaining", &self.remaining)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}
