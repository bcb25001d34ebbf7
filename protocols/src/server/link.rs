//! What belongs to one connection: its buffers, the request under way, and who may use what.
//!
//! What is done with them is the business of `connection`, of the request's body and of `respond`.

use std::cell::{Cell, RefCell, RefMut};
use std::io;
use std::rc::Rc;

use eventlet_green::current_id;
use http::StatusCode;

use super::input::Input;
use super::output::{Left, Output};
use super::registry::{Activity, Member};
use super::shared::Shared;
use super::transport::Transport;
use super::upgrade::Takeover;
use crate::wire::{BodyReader, CloseReason, Connection, Exchange, HeadParser, Refusal};

/// What serving a connection shares with the request bodies it hands out.
///
/// In this order, since there are many, and the processor's caches have none of them when a request comes:
/// what each request needs lies together.
#[repr(C)]
pub(super) struct Link {
    pub(super) shared: Rc<Shared>,
    pub(super) transport: Rc<dyn Transport>,
    pub(super) member: Rc<Member>,
    /// Borrowed for as long as somebody reads.
    pub(super) input: RefCell<Input>,
    pub(super) requests: RefCell<Connection>,
    /// The coroutine that serves it: the only one that may wait with the output in its hands.
    pub(super) served_in: Cell<u64>,
    /// There may be something to read: it was reported, and not tried since.
    pub(super) is_reported: Cell<bool>,
    /// The flusher knows that something is ready.
    pub(super) is_announced: Cell<bool>,
    /// Borrowed for as long as somebody writes.
    pub(super) output: RefCell<Output>,
    pub(super) turn: RefCell<Turn>,
    /// Changes with every request, so that a body that outlives its request is noticed.
    pub(super) serial: Cell<u64>,
    /// Who gets the connection after the response under way.
    pub(super) takeover: Cell<Option<Takeover>>,
}

/// The request under way.
pub(super) struct Turn {
    pub(super) exchange: Exchange,
    pub(super) body: BodyReader,
    /// What was wrong with its body.
    pub(super) refused: Option<Refusal>,
    /// What it has been answered.
    pub(super) status: Option<StatusCode>,
}

impl Link {
    pub(super) fn new(
        shared: Rc<Shared>,
        transport: Rc<dyn Transport>,
        member: Rc<Member>,
    ) -> Self {
        let output = Output::new(Rc::clone(&transport), shared.config.patience_to_write());
        Link {
            shared,
            transport,
            member,
            input: RefCell::default(),
            output: RefCell::new(output),
            turn: RefCell::new(Turn::none()),
            serial: Cell::new(0),
            requests: RefCell::new(Connection::new()),
            served_in: Cell::new(0),
            is_reported: Cell::new(false),
            is_announced: Cell::new(false),
            takeover: Cell::new(None),
        }
    }

    /// Puts bytes behind what is ready to go out.
    pub(super) fn send_soon(&self, bytes: &[u8]) {
        if let Ok(mut output) = self.output.try_borrow_mut() {
            output.ready.extend_from_slice(bytes);
        }
    }

    /// Reads what has come, without waiting. If that fails, it is found out by the next read.
    pub(super) fn read_ahead(&self) {
        let Some(mut input) = self.begin() else {
            return;
        };
        match input.fill(|room| self.transport.try_read(room)) {
            Ok(count) if count > 0 => self.is_reported.set(false),
            // Many may leave at once, each before the coroutine of the first has its turn: none
            // is to hold an empty buffer meanwhile.
            _ if input.is_empty() => {
                let buffers = &self.shared.buffers;
                buffers.return_input(&mut input);
            }
            _ => {}
        }
    }

    /// Prepares for what has come: with buffers, which it may have from before if a few bytes of no
    /// request were left in them. Gives that for the input, unless somebody reads.
    pub(super) fn begin(&self) -> Option<RefMut<'_, Input>> {
        self.is_reported.set(true);
        let buffers = &self.shared.buffers;
        if let Ok(mut output) = self.output.try_borrow_mut()
            && output.ready.is_empty()
        {
            output.ready = buffers.output();
        }
        let mut input = self.input.try_borrow_mut().ok()?;
        if input.is_empty() {
            buffers.lend_input(&mut input);
        }
        Some(input)
    }

    /// Says whether it may rest, now that all that was ready has been sent, and gives the buffers
    /// away for so long.
    pub(super) fn may_rest(&self) -> bool {
        self.member.activity.set(Activity::Idle);
        self.give_buffers_away();
        !self.shared.is_stopping()
    }

    /// Gives the buffers away that hold nothing.
    pub(super) fn give_buffers_away(&self) {
        let buffers = &self.shared.buffers;
        if let Ok(mut input) = self.input.try_borrow_mut()
            && input.is_empty()
        {
            buffers.return_input(&mut input);
        }
        if let Ok(mut output) = self.output.try_borrow_mut()
            && output.ready.is_empty()
        {
            buffers.return_output(std::mem::take(&mut output.ready));
        }
    }

    /// Sends what there is room for; nothing is left also when somebody else is at it.
    pub(super) fn try_flush(&self) -> io::Result<Left> {
        match self.output.try_borrow_mut() {
            Ok(mut output) => output.try_flush(),
            Err(_) => Ok(Left::Nothing),
        }
    }

    pub(super) fn has_output(&self) -> bool {
        self.output
            .try_borrow()
            .is_ok_and(|output| !output.ready.is_empty())
    }

    /// Whether the client has begun a request that is not going to be read.
    pub(super) fn is_being_sent_more(&self) -> bool {
        let input = self.input.try_borrow();
        input.is_ok_and(|input| HeadParser::has_begun(input.waiting()))
    }

    /// The input, unless a coroutine that the handler started still reads the body: then the
    /// connection cannot go on.
    pub(super) fn input_to_ourselves(&self) -> Result<RefMut<'_, Input>, CloseReason> {
        self.input
            .try_borrow_mut()
            .map_err(|_| CloseReason::BodyUnread)
    }

    /// Sends what is ready. For a coroutine of the handler's, which reads the body, the run loop does
    /// so, when that coroutine waits: nobody but who serves the connection may wait, or fall into
    /// another's hands, with the output in its own, since the response may be begun meanwhile.
    pub(super) fn flush(self: &Rc<Self>) -> io::Result<()> {
        if self.served_in.get() != current_id() {
            if self.has_output() {
                self.shared.flusher.announce(self);
            }
            return Ok(());
        }
        match self.output.try_borrow_mut() {
            Ok(mut output) => output.flush(),
            Err(_) => Ok(()),
        }
    }
}

impl Turn {
    /// Before the first request.
    pub(super) fn none() -> Self {
        Self::without_body(Exchange::none())
    }

    /// Of a request without a body.
    pub(super) fn without_body(exchange: Exchange) -> Self {
        let limits = crate::wire::Limits::default();
        let framing = crate::wire::RequestFraming::Empty;
        Turn {
            exchange,
            body: BodyReader::new(framing, &limits).expect("no body is within every limit"),
            refused: None,
            status: None,
        }
    }
}

/// An open connection. When it is dropped, the connection ends also for request bodies that are
/// still about: without this, it would stay open for as long as a handler keeps one.
pub(super) struct Open(pub(super) Rc<Link>);

impl Drop for Open {
    fn drop(&mut self) {
        let link = &self.0;
        // Nobody's request is under way any more.
        link.serial.set(link.serial.get() + 1);
        if link
            .output
            .try_borrow()
            .is_ok_and(|output| output.is_torn())
        {
            link.transport.abort();
        } else if Rc::strong_count(link) > 1 {
            link.transport.close();
        }
    }
}
