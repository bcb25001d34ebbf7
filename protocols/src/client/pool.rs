//! Connections that are kept for the next request, and how many a host may have.
//!
//! A request holds a [`Lease`]: the right to one connection of its host, and the connection once there
//! is one. What is not given back whole is closed: when a request fails, is killed or times out, its
//! lease is dropped, wherever it was. Connecting is the business of `connect`.
//!
//! An idle connection is looked at before it is used again: one that the server has closed, or on
//! which something came that nobody asked for, is closed. A timer closes those that nobody uses.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::{Rc, Weak};
use std::time::Duration;

use eventlet_green::sync::{Permit, Semaphore};
use eventlet_green::{Time, Timer, call_after, now};

use super::config::Config;
use super::error::Error;
use super::exchange::Conn;
use super::proxy::Route;
use super::timing::{Limit, Phase};
use crate::server::input::Input;

/// The connections of an agent.
pub(super) struct Pool {
    config: Rc<Config>,
    hosts: RefCell<HashMap<Route, Host>>,
    /// Idle connections of all hosts.
    idle: Cell<usize>,
    /// What closes those that have idled too long; armed while there are any.
    reaper: RefCell<Option<Timer>>,
}

struct Host {
    permits: Semaphore,
    /// The one that was used last is at the end.
    idle: VecDeque<Idle>,
}

struct Idle {
    conn: Conn,
    since: Time,
}

/// How a pool stands.
///
/// # Examples
///
/// ```
/// # use eventlet_green::net::TcpListener;
/// # use eventlet_protocols::server::{Body, Server};
/// # use http::Response;
/// # let listener = TcpListener::bind("127.0.0.1:0")?;
/// # let url = format!("http://{}/", listener.local_addr()?);
/// # eventlet_green::spawn(move || Server::new(|_| Response::new(Body::from("hi"))).serve(listener));
/// use eventlet_protocols::client::{Agent, PoolStatus};
/// use http::Method;
///
/// let agent = Agent::new();
/// let response = agent.call(Method::GET, &url).send()?; // Whose body is still to be read.
/// let status: PoolStatus = agent.status();
/// assert_eq!((status.hosts, status.in_use, status.waiting), (1, 1, 0));
/// response.into_body().into_bytes()?;
/// assert_eq!((agent.status().in_use, agent.status().idle), (0, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatus {
    /// Hosts that have connections, or are about to.
    pub hosts: usize,
    /// Connections that wait to be used again.
    pub idle: usize,
    /// Requests that have a connection or are making one.
    pub in_use: usize,
    /// Requests that wait for one.
    pub waiting: usize,
}

impl Pool {
    pub(super) fn new(config: Rc<Config>) -> Rc<Self> {
        Rc::new(Pool {
            config,
            hosts: RefCell::default(),
            idle: Cell::new(0),
            reaper: RefCell::default(),
        })
    }

    /// The right to a connection along a route, with one that has been kept if there is one.
    pub(super) fn lease(
        self: &Rc<Self>,
        route: &Route,
        whole: Option<Time>,
    ) -> Result<Lease, Error> {
        let key = key_of(route);
        let permits = {
            let mut hosts = self.hosts.borrow_mut();
            let host = hosts.entry(key.clone()).or_insert_with(|| Host {
                permits: Semaphore::new(self.config.connections_per_host.max(1)),
                idle: VecDeque::new(),
            });
            host.permits.clone()
        };
        let limit = Limit::new(Phase::Pool, self.config.pool, whole);
        let permit = match (permits.try_acquire(), limit.left()) {
            (Some(permit), _) => Ok(Some(permit)),
            (None, Some(left)) => permits.acquire_timeout(left),
            (None, None) => permits.acquire().map(Some),
        };
        let permit = permit.map_err(Error::Wait)?;
        let permit = permit.ok_or(Error::Timeout(limit.phase))?;
        let mut lease = Lease {
            conn: None,
            permit: Some(permit),
            home: Some((Rc::downgrade(self), key)),
        };
        lease.conn = self.take(&lease);
        Ok(lease)
    }

    /// A connection that can be used again.
    fn take(&self, lease: &Lease) -> Option<Conn> {
        let (_, key) = lease.home.as_ref()?;
        loop {
            // Nothing is closed while the table is borrowed: a stream may be the program's own.
            let idle = self.hosts.borrow_mut().get_mut(key)?.idle.pop_back()?;
            self.idle.set(self.idle.get() - 1);
            let is_young = !self.is_expired(&idle, now());
            if is_young && idle.conn.stream.is_quiet() {
                return Some(idle.conn);
            }
        }
    }

    fn is_expired(&self, idle: &Idle, now: Time) -> bool {
        now - idle.since >= self.config.idle || now - idle.conn.opened >= self.config.age
    }

    /// Keeps a connection, if there is room for it.
    fn give_back(self: &Rc<Self>, key: &Route, conn: Conn) {
        let now = now();
        let idle = Idle { conn, since: now };
        if self.config.idle_per_host == 0
            || self.config.idle_connections == 0
            || self.is_expired(&idle, now)
        {
            return;
        }
        let surplus = {
            let mut hosts = self.hosts.borrow_mut();
            let Some(host) = hosts.get_mut(key) else {
                return;
            };
            host.idle.push_back(idle);
            self.idle.set(self.idle.get() + 1);
            let is_host_full = host.idle.len() > self.config.idle_per_host;
            let surplus = if is_host_full {
                host.idle.pop_front()
            } else if self.idle.get() > self.config.idle_connections {
                pop_oldest(&mut hosts)
            } else {
                None
            };
            self.idle
                .set(self.idle.get() - usize::from(surplus.is_some()));
            surplus
        };
        drop(surplus);
        self.arm_reaper();
    }

    /// Sets the timer, if there is something to wait for and none is set.
    fn arm_reaper(self: &Rc<Self>) {
        if self.idle.get() == 0 || self.reaper.borrow().is_some() {
            return;
        }
        let now = now();
        let hosts = self.hosts.borrow();
        let ends = hosts
            .values()
            .flat_map(|host| &host.idle)
            .map(|idle| (idle.since + self.config.idle).min(idle.conn.opened + self.config.age));
        let Some(first) = ends.min() else {
            return;
        };
        let pool = Rc::downgrade(self);
        let timer = call_after((first - now).max(SHORTEST_NAP), move || {
            if let Some(pool) = pool.upgrade() {
                pool.reaper.take();
                pool.close_where(|idle, now| pool.is_expired(idle, now));
                pool.arm_reaper();
            }
        });
        *self.reaper.borrow_mut() = Some(timer);
    }

    /// Closes idle connections.
    fn close_where(&self, is_over: impl Fn(&Idle, Time) -> bool) {
        let now = now();
        let mut over = Vec::new();
        let mut hosts = self.hosts.borrow_mut();
        for host in hosts.values_mut() {
            for idle in std::mem::take(&mut host.idle) {
                if is_over(&idle, now) {
                    over.push(idle);
                } else {
                    host.idle.push_back(idle);
                }
            }
        }
        hosts.retain(|_, host| host.is_needed());
        drop(hosts);
        self.idle.set(self.idle.get() - over.len());
        drop(over);
    }

    /// Closes all idle connections.
    pub(super) fn close_idle(&self) {
        self.close_where(|_, _| true);
        self.cancel_reaper();
    }

    fn cancel_reaper(&self) {
        if let Some(timer) = self.reaper.take() {
            timer.cancel();
        }
    }

    /// Forgets a host that has no connections, and nobody who wants one.
    fn tidy(&self, key: &Route) {
        let mut hosts = self.hosts.borrow_mut();
        if hosts.get(key).is_some_and(|host| !host.is_needed()) {
            hosts.remove(key);
        }
        drop(hosts);
        if self.idle.get() == 0 {
            self.cancel_reaper();
        }
    }

    pub(super) fn status(&self) -> PoolStatus {
        let hosts = self.hosts.borrow();
        let sum = |count: fn(&Host) -> usize| hosts.values().map(count).sum();
        PoolStatus {
            hosts: hosts.len(),
            idle: self.idle.get(),
            in_use: sum(|host| host.permits.total() - host.permits.free()),
            waiting: sum(|host| host.permits.waiting()),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.cancel_reaper();
    }
}

/// The timer rings no more often than this, whatever the settings.
const SHORTEST_NAP: Duration = Duration::from_millis(10);

impl Host {
    fn is_needed(&self) -> bool {
        !self.idle.is_empty()
            || self.permits.free() < self.permits.total()
            || self.permits.waiting() > 0
    }
}

/// Takes the connection that has idled longest.
fn pop_oldest(hosts: &mut HashMap<Route, Host>) -> Option<Idle> {
    let with_idle = hosts.iter_mut().filter(|(_, host)| !host.idle.is_empty());
    let (key, host) = with_idle.min_by_key(|(_, host)| host.idle.front().map(|idle| idle.since))?;
    let oldest = host.idle.pop_front();
    if !host.is_needed() {
        let key = key.clone();
        hosts.remove(&key);
    }
    oldest
}

/// What connections are told apart by: those to a proxy that is asked for resources serve all origins.
fn key_of(route: &Route) -> Route {
    match route.forwarder() {
        Some(proxy) => Route {
            origin: route.next_hop().clone(),
            proxy: Some(proxy.clone()),
        },
        None => route.clone(),
    }
}

/// The right to a connection, and the connection.
pub(super) struct Lease {
    pub(super) conn: Option<Conn>,
    permit: Option<Permit>,
    /// Where it came from; none for a connection of the caller's own.
    home: Option<(Weak<Pool>, Route)>,
}

impl Lease {
    /// For a connection that is no pool's.
    pub(super) fn of(conn: Conn) -> Self {
        Lease {
            conn: Some(conn),
            permit: None,
            home: None,
        }
    }

    /// Takes the connection out for good, and makes room for another.
    pub(super) fn detach(mut self) -> Option<Conn> {
        self.conn.take()
    }

    /// Gives the connection back, to be used again.
    pub(super) fn give_back(mut self) {
        let pool = self.home.as_ref().and_then(|(pool, _)| pool.upgrade());
        if let (Some(pool), Some(mut conn)) = (pool, self.conn.take())
            && let Some((_, key)) = &self.home
        {
            conn.is_used = true;
            // It is empty, and idle connections hold no memory.
            conn.input = Input::default();
            pool.give_back(key, conn);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.conn = None;
        self.permit = None;
        if let Some((pool, key)) = self.home.take()
            && let Some(pool) = pool.upgrade()
        {
            pool.tidy(&key);
        }
    }
}
