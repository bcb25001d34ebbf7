//! Who is connected: for counting, and for stopping.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use eventlet_green::KillHandle;
use slab::Slab;

use super::transport::Transport;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activity {
    /// Between two requests.
    Idle,
    /// From the first byte of a request to the last of its response.
    Busy,
}

/// A connection's entry.
pub(super) struct Member {
    pub(super) transport: Rc<dyn Transport>,
    pub(super) activity: Cell<Activity>,
    /// To kill what serves it now.
    served_by: Cell<Option<KillHandle>>,
    /// Called when the server is told to stop.
    on_stop: Cell<Option<OnStop>>,
}

/// What a connection that speaks another protocol does at a stop.
pub(super) type OnStop = Box<dyn FnOnce()>;

/// The connections of a server, and what they have done.
#[derive(Default)]
pub(super) struct Registry {
    members: RefCell<Slab<Rc<Member>>>,
    accepted: Cell<u64>,
    requests: Cell<u64>,
    failed_handshakes: Cell<u64>,
}

/// What a server has and has done.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::client::Agent;
/// use eventlet_protocols::server::{Body, Server, ServerStatus};
/// use http::Response;
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let url = format!("http://{}/", listener.local_addr()?);
/// let server = Server::new(|_| Response::new(Body::from("hello")));
/// let handle = server.handle();
/// eventlet_green::spawn(move || server.serve(listener));
/// let agent = Agent::new();
/// agent.get(&url)?;
/// agent.get(&url)?;
/// let ServerStatus { accepted, requests, busy, .. } = handle.status();
/// assert_eq!((accepted, requests, busy), (1, 2, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStatus {
    /// Connections that are open.
    pub open: usize,
    /// Of those, how many are within a request.
    pub busy: usize,
    /// Connections accepted so far.
    pub accepted: u64,
    /// Requests answered so far.
    pub requests: u64,
    /// Connections that did not become one of TLS so far; they are among those accepted. Who leaves
    /// without a word is not counted.
    pub failed_handshakes: u64,
}

impl Registry {
    /// Enters a connection; it is taken out when the result is dropped.
    pub(super) fn enter(self: &Rc<Self>, transport: Rc<dyn Transport>) -> Membership {
        self.accepted.set(self.accepted.get() + 1);
        let member = Rc::new(Member {
            transport,
            activity: Cell::new(Activity::Idle),
            served_by: Cell::new(None),
            on_stop: Cell::new(None),
        });
        let key = self.members.borrow_mut().insert(Rc::clone(&member));
        Membership {
            registry: Rc::clone(self),
            member,
            key,
        }
    }

    pub(super) fn count_request(&self) {
        self.requests.set(self.requests.get() + 1);
    }

    #[cfg(feature = "tls")]
    pub(super) fn count_failed_handshake(&self) {
        self.failed_handshakes.set(self.failed_handshakes.get() + 1);
    }

    pub(super) fn status(&self) -> ServerStatus {
        let members = self.members.borrow();
        let busy = members
            .iter()
            .filter(|(_, member)| member.activity.get() == Activity::Busy);
        ServerStatus {
            open: members.len(),
            busy: busy.count(),
            accepted: self.accepted.get(),
            requests: self.requests.get(),
            failed_handshakes: self.failed_handshakes.get(),
        }
    }

    fn all(&self) -> Vec<Rc<Member>> {
        self.members
            .borrow()
            .iter()
            .map(|(_, member)| Rc::clone(member))
            .collect()
    }

    /// Ends the connections that are between two requests, and tells those who asked to be told.
    pub(super) fn close_idle(&self) {
        for member in self.all() {
            if member.activity.get() == Activity::Idle {
                member.transport.say_goodbye();
                member.transport.close();
            }
            if let Some(call) = member.on_stop.take() {
                call();
            }
        }
    }

    /// Ends every connection, whatever it is doing.
    pub(super) fn kill_all(&self) {
        for member in self.all() {
            let killed = member
                .served_by
                .take()
                .is_some_and(|coroutine| coroutine.kill().is_ok());
            if !killed {
                // Without unwinding, taking the connection away is what is left.
                member.transport.close();
            }
        }
    }
}

/// A connection's place in the registry.
pub(super) struct Membership {
    registry: Rc<Registry>,
    pub(super) member: Rc<Member>,
    key: usize,
}

impl Membership {
    pub(super) fn member(&self) -> Rc<Member> {
        Rc::clone(&self.member)
    }
}

impl Member {
    /// Notes whose coroutine it is, if it is one's.
    pub(super) fn set_served_by(&self, coroutine: Option<KillHandle>) {
        self.served_by.set(coroutine);
    }

    /// Has it called at a stop; what was to be called before is dropped.
    pub(super) fn set_on_stop(&self, call: Option<OnStop>) {
        drop(self.on_stop.replace(call));
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let member = self.registry.members.borrow_mut().try_remove(self.key);
        drop(member);
    }
}
