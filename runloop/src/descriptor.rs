//! Registered descriptors, and whom to tell that one is ready; what a program asks of the loop for them.
//!
//! [`Sources`] owns what is registered and hands the tokens out; the table here says whom each
//! token belongs to. Nothing of the program's is ever dropped while a table is borrowed, since a
//! destructor may well use the loop.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use eventlet_hub::fd::{AsRawFd, RawFd};
use eventlet_hub::{Capabilities, Events, Hub, Interest, Readiness, Refused, Source, Sources};
use eventlet_hub::{Token, Waker};

use crate::RunLoop;

/// A registered source that is told of its readiness.
///
/// [`RunLoop::register`] needs no such type, only a closure.
///
/// # Examples
///
/// ```
/// use eventlet_hub::fd::{AsFd, BorrowedFd};
/// use eventlet_hub::{Hub, Interest, Readiness, Source, Token};
/// use eventlet_runloop::{Descriptor, RunLoop};
/// use std::net::UdpSocket;
/// use std::rc::Rc;
///
/// struct Socket(UdpSocket);
///
/// impl AsFd for Socket {
///     fn as_fd(&self) -> BorrowedFd<'_> {
///         self.0.as_fd()
///     }
/// }
/// // SAFETY: the socket is private and never exchanged, and closed when the owner is dropped.
/// unsafe impl Source for Socket {}
///
/// impl<H: Hub> Descriptor<H> for Socket {
///     fn ready(self: Rc<Self>, run_loop: &RunLoop<H>, token: Token, readiness: Readiness) {
///         assert!(readiness.is_writable());
///         run_loop.deregister(token).expect("is registered");
///     }
/// }
///
/// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
/// let socket = Rc::new(Socket(UdpSocket::bind("127.0.0.1:0")?));
/// let token = run_loop.register_descriptor(socket)?;
/// run_loop.arm(token, Interest::WRITABLE)?;
/// run_loop.run()?; // Ends, since the callback has deregistered it.
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait Descriptor<H: Hub>: Source + 'static {
    /// Called when the descriptor may be ready. A hint: the operation may still give `WouldBlock`,
    /// after which [`arm`](RunLoop::arm) has it called again.
    fn ready(self: Rc<Self>, run_loop: &RunLoop<H>, token: Token, readiness: Readiness);
}

/// A closure's side of [`Descriptor`].
pub(crate) trait Listener<H: Hub> {
    fn ready(self: Rc<Self>, run_loop: &RunLoop<H>, token: Token, readiness: Readiness);
}

/// A closure with the source it is for.
struct Closure<S, F> {
    source: Rc<S>,
    f: RefCell<F>,
}

impl<H: Hub, S, F> Listener<H> for Closure<S, F>
where
    F: FnMut(&RunLoop<H>, Token, &S, Readiness),
{
    fn ready(self: Rc<Self>, run_loop: &RunLoop<H>, token: Token, readiness: Readiness) {
        // Dispatching never nests, so the closure is not being called already.
        (self.f.borrow_mut())(run_loop, token, &self.source, readiness);
    }
}

/// Whom a token belongs to.
pub(crate) enum Tenant<H: Hub> {
    Descriptor(Rc<dyn Descriptor<H>>),
    Closure(Rc<dyn Listener<H>>),
}

impl<H: Hub + 'static> Tenant<H> {
    #[inline]
    pub(crate) fn tell(self, run_loop: &RunLoop<H>, token: Token, readiness: Readiness) {
        match self {
            Tenant::Descriptor(descriptor) => descriptor.ready(run_loop, token, readiness),
            Tenant::Closure(closure) => closure.ready(run_loop, token, readiness),
        }
    }
}

impl<H: Hub> Clone for Tenant<H> {
    fn clone(&self) -> Self {
        match self {
            Tenant::Descriptor(descriptor) => Tenant::Descriptor(descriptor.clone()),
            Tenant::Closure(closure) => Tenant::Closure(closure.clone()),
        }
    }
}

struct Entry<H: Hub> {
    generation: u32,
    tenant: Option<Tenant<H>>,
}

/// The hub and the table.
pub(crate) struct Descriptors<H: Hub> {
    /// First, because fields are dropped in this order; see [`Sources`].
    sources: RefCell<Sources<H, Rc<dyn Source>>>,
    /// By the tokens' slots.
    entries: RefCell<Vec<Entry<H>>>,
}

impl<H: Hub> Descriptors<H> {
    pub(crate) fn new(hub: H) -> Self {
        Descriptors {
            sources: RefCell::new(Sources::new(hub)),
            entries: RefCell::new(Vec::new()),
        }
    }

    pub(crate) fn register<S: Source + 'static>(
        &self,
        source: S,
        f: impl FnMut(&RunLoop<H>, Token, &S, Readiness) + 'static,
    ) -> Result<Token, Refused<S>> {
        let source = Rc::new(source);
        let registered = self.sources.borrow_mut().register(source.clone());
        match registered {
            Ok(token) => {
                let f = RefCell::new(f);
                self.settle(token, Tenant::Closure(Rc::new(Closure { source, f })));
                Ok(token)
            }
            Err(refused) => {
                let error = refused.error;
                drop(refused.source);
                let source = Rc::into_inner(source).expect("handed back, and shared with nobody");
                Err(Refused { source, error })
            }
        }
    }

    pub(crate) fn register_descriptor(
        &self,
        descriptor: Rc<dyn Descriptor<H>>,
    ) -> io::Result<Token> {
        let registered = self.sources.borrow_mut().register(descriptor.clone());
        let token = registered?;
        self.settle(token, Tenant::Descriptor(descriptor));
        Ok(token)
    }

    fn settle(&self, token: Token, tenant: Tenant<H>) {
        let mut entries = self.entries.borrow_mut();
        let slot = token.slot() as usize;
        if slot >= entries.len() {
            entries.resize_with(slot + 1, || Entry {
                generation: 0,
                tenant: None,
            });
        }
        entries[slot] = Entry {
            generation: token.generation(),
            tenant: Some(tenant),
        };
    }

    pub(crate) fn deregister(&self, token: Token) -> io::Result<()> {
        let source = self.sources.borrow_mut().deregister(token)?;
        self.let_go(token, source);
        Ok(())
    }

    pub(crate) fn deregister_closing(&self, token: Token) -> io::Result<()> {
        let source = self.sources.borrow_mut().deregister_closing(token)?;
        self.let_go(token, source);
        Ok(())
    }

    /// Drops both owners with no table borrowed.
    fn let_go(&self, token: Token, source: Rc<dyn Source>) {
        let tenant = self.entries.borrow_mut()[token.slot() as usize]
            .tenant
            .take();
        drop((tenant, source));
    }

    /// Whom the token belongs to, unless its registration has ended.
    pub(crate) fn tenant(&self, token: Token) -> Option<Tenant<H>> {
        let entries = self.entries.borrow();
        let entry = entries.get(token.slot() as usize)?;
        if entry.generation != token.generation() {
            return None;
        }
        entry.tenant.clone()
    }

    pub(crate) fn arm(&self, token: Token, interest: Interest) -> io::Result<()> {
        self.sources.borrow_mut().arm(token, interest)
    }

    pub(crate) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        self.sources.borrow_mut().wait(events, timeout)
    }

    pub(crate) fn wait_until(&self, events: &mut Events, deadline: Instant) -> io::Result<()> {
        self.sources.borrow_mut().wait_until(events, deadline)
    }

    pub(crate) fn len(&self) -> usize {
        self.sources.borrow().len()
    }

    pub(crate) fn numbers(&self) -> Vec<RawFd> {
        let sources = self.sources.borrow();
        sources
            .iter()
            .map(|(_, source)| source.as_fd().as_raw_fd())
            .collect()
    }

    pub(crate) fn hub_name(&self) -> &'static str {
        self.sources.borrow().hub_name()
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        self.sources.borrow().capabilities()
    }

    pub(crate) fn waker(&self) -> Waker {
        self.sources.borrow().waker()
    }
}

impl<H: Hub> RunLoop<H> {
    /// Registers a source with a closure that is called when it may be ready; nothing is armed yet.
    ///
    /// The source should be non-blocking. See `examples/echo.rs`.
    ///
    /// # Errors
    ///
    /// As for [`Sources::register`](eventlet_hub::Sources::register); the source is handed back.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::Interest;
    /// use eventlet_runloop::RunLoop;
    /// use std::net::UdpSocket;
    ///
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// socket.set_nonblocking(true)?;
    /// socket.send_to(b"hello", socket.local_addr()?)?;
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// let token = run_loop.register(socket, |run_loop, token, socket, readiness| {
    ///     assert!(readiness.is_readable());
    ///     let mut text = [0; 8];
    ///     assert_eq!(socket.recv(&mut text).unwrap(), 5);
    ///     run_loop.deregister(token).unwrap();
    /// })?;
    /// run_loop.arm(token, Interest::READABLE)?;
    /// run_loop.run()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn register<S: Source + 'static>(
        &self,
        source: S,
        f: impl FnMut(&RunLoop<H>, Token, &S, Readiness) + 'static,
    ) -> Result<Token, Refused<S>> {
        self.descriptors.register(source, f)
    }

    /// Registers a source that is told itself.
    ///
    /// # Errors
    ///
    /// As for [`Sources::register`](eventlet_hub::Sources::register).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::fd::{AsFd, BorrowedFd};
    /// use eventlet_hub::{Hub, Readiness, Source, Token};
    /// use eventlet_runloop::{Descriptor, RunLoop};
    /// use std::net::UdpSocket;
    /// use std::rc::Rc;
    ///
    /// struct Socket(UdpSocket);
    ///
    /// impl AsFd for Socket {
    ///     fn as_fd(&self) -> BorrowedFd<'_> {
    ///         self.0.as_fd()
    ///     }
    /// }
    /// // SAFETY: the socket is private and never exchanged, and closed when the owner is dropped.
    /// unsafe impl Source for Socket {}
    ///
    /// impl<H: Hub> Descriptor<H> for Socket {
    ///     fn ready(self: Rc<Self>, _: &RunLoop<H>, _: Token, _: Readiness) {}
    /// }
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// let socket = Rc::new(Socket(UdpSocket::bind("127.0.0.1:0")?));
    /// let token = run_loop.register_descriptor(socket.clone())?;
    /// assert!(Rc::strong_count(&socket) > 1, "the loop has it as well");
    /// run_loop.deregister(token)?;
    /// assert_eq!(Rc::strong_count(&socket), 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn register_descriptor(&self, descriptor: Rc<dyn Descriptor<H>>) -> io::Result<Token> {
        self.descriptors.register_descriptor(descriptor)
    }

    /// Says that somebody now waits for `interest`: call this each time an operation has given
    /// `WouldBlock`. See [`Hub::arm`].
    ///
    /// # Errors
    ///
    /// As for [`Hub::arm`].
    #[inline]
    pub fn arm(&self, token: Token, interest: Interest) -> io::Result<()> {
        self.descriptors.arm(token, interest)
    }

    /// Ends a registration; the loop lets go of the source, which is closed if nobody else holds
    /// it. Events that have been reported for it already are not dispatched any more.
    ///
    /// # Errors
    ///
    /// `NotFound` if the token is not registered (any more).
    pub fn deregister(&self, token: Token) -> io::Result<()> {
        self.descriptors.deregister(token)
    }

    /// Like [`deregister`](Self::deregister), for a source that is closed right afterwards and of
    /// which no duplicate exists; see [`Hub::deregister_closing`].
    ///
    /// # Errors
    ///
    /// As for [`deregister`](Self::deregister).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_runloop::RunLoop;
    /// use std::net::UdpSocket;
    ///
    /// let run_loop = RunLoop::new(eventlet_hub_poll::PollHub::new()?);
    /// let token = run_loop.register(UdpSocket::bind("127.0.0.1:0")?, |_, _, _, _| {})?;
    /// assert_eq!((run_loop.descriptor_count(), run_loop.descriptors().len()), (1, 1));
    /// run_loop.deregister_closing(token)?; // Closed here: nobody else has it.
    /// assert_eq!(run_loop.descriptor_count(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn deregister_closing(&self, token: Token) -> io::Result<()> {
        self.descriptors.deregister_closing(token)
    }

    /// How many descriptors are registered.
    pub fn descriptor_count(&self) -> usize {
        self.descriptors.len()
    }

    /// The numbers of the registered descriptors, in no particular order: for reports.
    pub fn descriptors(&self) -> Vec<RawFd> {
        self.descriptors.numbers()
    }
}
