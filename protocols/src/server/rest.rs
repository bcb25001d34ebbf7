//! What a connection does between two requests: nothing, without a coroutine.
//!
//! ```text
//!   accepted ──► Resting ◄── nothing more at hand ── serve
//!                   │                                  ▲
//!                   └── a byte, the idle limit, ───────┘
//!                       a stop: a new coroutine
//! ```
//!
//! So an idle connection costs its socket and a few hundred bytes, no stack and no buffer, and a
//! handler finds a stack that is warm from the one before. A connection whose program accepts by
//! itself ([`serve_here`]) waits in the program's own coroutine. Serving is `connection`'s.

use std::io;
use std::rc::Rc;

use eventlet_green::sync::Permit;
use eventlet_green::{Builder, KillHandle, Time, Watcher, current_id};

use super::connection::{After, serve};
use super::link::{Link, Open};
use super::output::Left;
use super::registry::Membership;
use super::shared::Shared;
use super::shortcut::answer_at_once;
use super::transport::Transport;

/// A connection with what it holds for as long as it is open. Dropping it closes it.
pub(super) struct Resting {
    open: Open,
    _membership: Membership,
    _seat: Permit,
}

impl Resting {
    /// Serves a new connection whenever something comes.
    pub(super) fn begin(shared: Rc<Shared>, transport: Rc<dyn Transport>, seat: Permit) {
        let (link, membership) = enter(shared, transport);
        let connection = Resting {
            open: Open(link),
            _membership: membership,
            _seat: seat,
        };
        let until = connection.open.0.shared.idle_until();
        Rc::new(connection).rest(until);
    }

    /// Serves a connection that was entered before, and of which something may have come already.
    #[cfg(feature = "tls")]
    pub(super) fn take_over(
        shared: Rc<Shared>,
        transport: Rc<dyn Transport>,
        membership: Membership,
        seat: Permit,
    ) {
        let link = Link::new(shared, transport, membership.member());
        let connection = Rc::new(Resting {
            open: Open(Rc::new(link)),
            _membership: membership,
            _seat: seat,
        });
        connection.prepare();
        connection.came(Ok(()));
    }

    /// Sends what is ready, without waiting, and says whether it can rest now. Where it cannot, it is
    /// seen to: by a coroutine, if there was no room for all.
    pub(super) fn send(self: &Rc<Self>) -> bool {
        match self.open.0.try_flush() {
            Ok(Left::Nothing) => true,
            Ok(Left::Some) => {
                let connection = Rc::clone(self);
                let spawned = Builder::new().spawn(move || connection.settle_patiently());
                if let Err(error) = spawned {
                    eprintln!("eventlet: a connection is closed in the middle: {error}");
                }
                false
            }
            // The client is gone.
            Err(_) => false,
        }
    }

    fn settle_patiently(self: Rc<Self>) {
        let link = &self.open.0;
        link.member.set_served_by(KillHandle::of_current().ok());
        link.served_in.set(current_id());
        if link.flush().is_ok() {
            link.member.set_served_by(None);
            let until = link.shared.idle_until();
            self.rest(until);
        }
    }

    /// Waits for the next request, at most until then.
    pub(super) fn rest(self: Rc<Self>, until: Time) {
        let link = Rc::clone(&self.open.0);
        if link.may_rest() {
            // Closed meanwhile, or the thread is ending: then it is dropped.
            let _ = link.transport.watch(until, self);
        }
    }
}

impl Watcher for Resting {
    fn prepare(&self) {
        self.open.0.read_ahead();
    }

    fn came_at_once(self: Rc<Self>) -> bool {
        let is_done = answer_at_once(&self.open.0);
        if is_done {
            let shared = Rc::clone(&self.open.0.shared);
            shared.flusher.settle_quickly(&shared, self);
        }
        is_done
    }

    fn came(self: Rc<Self>, outcome: io::Result<()>) {
        let link = &self.open.0;
        match KillHandle::of_current() {
            Ok(coroutine) => {
                link.served_in.set(coroutine.id());
                link.member.set_served_by(Some(coroutine));
            }
            Err(_) => {
                let error = outcome.err().map_or_else(String::new, |e| e.to_string());
                eprintln!("eventlet: a connection is closed, since it has no coroutine: {error}");
                return;
            }
        }
        let after = serve(link, outcome);
        link.member.set_served_by(None);
        if after == After::Rest {
            let shared = Rc::clone(&link.shared);
            shared.flusher.settle_soon(&shared, self);
        }
    }
}

/// Serves a connection to its end in the caller's coroutine.
pub(super) fn serve_here(shared: &Rc<Shared>, transport: Rc<dyn Transport>) {
    let (link, _membership) = enter(Rc::clone(shared), transport);
    let open = Open(link);
    let link = &open.0;
    let mut came = Ok(());
    link.served_in.set(current_id());
    link.begin();
    while serve(link, came) == After::Rest {
        if link.flush().is_err() || !link.may_rest() {
            return;
        }
        came = link.transport.wait_readable(link.shared.config.idle);
        link.begin();
    }
}

fn enter(shared: Rc<Shared>, transport: Rc<dyn Transport>) -> (Rc<Link>, Membership) {
    let membership = shared.registry.enter(Rc::clone(&transport));
    let link = Link::new(shared, transport, membership.member());
    (Rc::new(link), membership)
}
