//! A body on its way from a coroutine to a future: one frame at a time, when it is asked for.
//!
//! ```text
//!  coroutine of the pump              exchange               future of the service
//!   block_on(demand) ◄────────────── wants, wake ◄────────────── poll_frame: pending
//!   RequestBody::read
//!   deliver ─────────────────────► frame, wake ────────────────► poll_frame: ready
//! ```
//!
//! The body of a request reads a green socket and stays on its thread; services want bodies that may
//! be sent to another. So the reading is done by a coroutine of its own, and what goes to the service
//! is an end of this exchange. Nothing is read ahead: a service that does not read holds the client
//! back.

use std::future::poll_fn;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use eventlet_green::{Builder, JoinHandle, block_on};
use http_body::Frame;

use crate::server::RequestBody;

/// The size of a frame at most: as large as the server's buffers, so that one read fills it.
const FRAME: usize = 16 * 1024;

/// What has come of a read.
pub(super) type Came = io::Result<Frame<Bytes>>;

#[derive(Default)]
struct State {
    /// The service waits for a frame.
    is_wanted: bool,
    /// Something has been delivered.
    has_begun: bool,
    frame: Option<Came>,
    /// Nothing more will come.
    is_over: bool,
    /// The service has dropped its body.
    is_gone: bool,
    service: Option<Waker>,
    pump: Option<Waker>,
}

/// What pump and service share.
#[derive(Default)]
pub(super) struct Exchange {
    state: Mutex<State>,
}

/// What the pump is to do.
enum Demand {
    Read,
    End,
}

impl Exchange {
    /// Wakers run foreign code, so they are called when this is no longer held.
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic is done while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next frame, on the side of the service.
    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Came>> {
        let mut state = self.state();
        if let Some(frame) = state.frame.take() {
            return Poll::Ready(Some(frame));
        }
        if state.is_over {
            return Poll::Ready(None);
        }
        state.is_wanted = true;
        let former = state.service.replace(context.waker().clone());
        let pump = state.pump.take();
        drop(state);
        drop(former);
        if let Some(pump) = pump {
            pump.wake();
        }
        Poll::Pending
    }

    /// Whether the service waits for the first frame.
    fn is_awaited(&self) -> bool {
        let state = self.state();
        state.is_wanted && !state.has_begun
    }

    /// The service has no more use for the body.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        state.is_gone = true;
        let frame = state.frame.take();
        let wakers = (state.pump.take(), state.service.take());
        drop(state);
        drop(frame);
        if let (Some(pump), _) = wakers {
            pump.wake();
        }
    }

    /// What there is to do, on the side of the pump.
    fn poll_demand(&self, context: &mut Context<'_>) -> Poll<Demand> {
        let mut state = self.state();
        if state.is_gone {
            return Poll::Ready(Demand::End);
        }
        if state.is_wanted {
            return Poll::Ready(Demand::Read);
        }
        let former = state.pump.replace(context.waker().clone());
        drop(state);
        drop(former);
        Poll::Pending
    }

    /// Nobody is there to read.
    pub(super) fn fail(&self, error: io::Error) {
        self.deliver(Some(Err(error)), true);
    }

    /// Gives the service a frame, or the end.
    fn deliver(&self, frame: Option<Came>, is_over: bool) {
        let mut state = self.state();
        let mut refused = None;
        if state.is_gone {
            refused = frame;
        } else if frame.is_some() {
            // Nothing is asked for before the last one was taken.
            state.frame = frame;
        }
        state.is_over |= is_over;
        state.is_wanted = false;
        state.has_begun = true;
        let service = state.service.take();
        drop(state);
        drop(refused);
        if let Some(service) = service {
            service.wake();
        }
    }
}

/// The coroutine that reads for a service; ended when the exchange is over.
pub(super) struct Pump {
    coroutine: Option<JoinHandle<()>>,
    promise: Promise,
    exchange: Arc<Exchange>,
}

/// What the client waits for before it sends the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Promise {
    Nothing,
    /// `100 Continue`, perhaps: it cannot be sent when the response has begun.
    Continue,
}

impl Pump {
    /// Begins to read a body whenever the other end of the exchange asks for it.
    pub(super) fn begin(
        body: RequestBody,
        promise: Promise,
        exchange: Arc<Exchange>,
    ) -> io::Result<Self> {
        let ending = Ending(Arc::clone(&exchange));
        let coroutine = Builder::new()
            .name("request body")
            .spawn(move || pump(body, ending))?;
        Ok(Pump {
            coroutine: Some(coroutine),
            promise,
            exchange,
        })
    }

    /// Whether the response must not begin yet: the service waits for the body's first bytes, and
    /// the client to be told to send them.
    pub(super) fn holds_back(&self) -> bool {
        self.promise == Promise::Continue && self.exchange.is_awaited()
    }

    /// No more is read: the request has been answered. When this returns, the connection is the
    /// server's alone.
    pub(super) fn end(mut self) {
        if let Some(coroutine) = self.coroutine.take()
            // Without unwinding it goes on until its read ends, and the server closes the connection.
            && coroutine.kill().is_ok()
        {
            // It was killed, or had ended: both are what was wanted.
            let _ = coroutine.join();
        }
    }
}

impl Drop for Pump {
    /// Without waiting: this may be an unwinding.
    fn drop(&mut self) {
        if let Some(coroutine) = &self.coroutine {
            // As above.
            let _ = coroutine.kill();
        }
    }
}

/// Whatever ends the pump, before its beginning even, the service is told that nothing more comes;
/// and that this was not the end of the body, if it was not.
struct Ending(Arc<Exchange>);

impl Drop for Ending {
    fn drop(&mut self) {
        let is_over = self.0.state().is_over;
        if !is_over {
            let text = "the request that this body belongs to has been answered";
            self.0
                .fail(io::Error::new(io::ErrorKind::NotConnected, text));
        }
    }
}

fn pump(mut body: RequestBody, ending: Ending) {
    let exchange = &*ending.0;
    loop {
        match block_on(poll_fn(|context| exchange.poll_demand(context))) {
            Ok(Demand::Read) => {}
            // Nobody is there to ask, or could wake this any more.
            Ok(Demand::End) | Err(_) => return,
        }
        let mut piece = BytesMut::zeroed(FRAME);
        match body.read(&mut piece) {
            Ok(0) => {
                let trailers = body.take_trailers();
                let trailers = (!trailers.is_empty()).then(|| Ok(Frame::trailers(trailers)));
                exchange.deliver(trailers, true);
                break;
            }
            Ok(count) => {
                piece.truncate(count);
                let is_over = body.remaining() == Some(0);
                exchange.deliver(Some(Ok(Frame::data(piece.freeze()))), is_over);
                if is_over {
                    break;
                }
            }
            Err(error) => {
                exchange.deliver(Some(Err(error)), true);
                break;
            }
        }
    }
}
