//! A hub together with the descriptors it watches: the safe way to use a hub.
//!
//! [`Sources`] owns what is registered, so a descriptor cannot be closed behind the hub's back; it
//! hands out the tokens, so an event for a slot's former tenant is dropped before anybody sees it.
//! It knows no callback and no timer: what a token means is the caller's business.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use crate::{Capabilities, Events, Hub, Interest, Readiness, Source, Token, Waker, error};

/// A table of registered sources over a hub.
///
/// # Examples
///
/// ```
/// # fn demo<H: eventlet_hub::Hub>(hub: H) -> std::io::Result<()> {
/// use eventlet_hub::{Events, Interest, Sources};
/// use std::io::Write;
/// use std::os::unix::net::UnixStream;
///
/// let (mut near, far) = UnixStream::pair()?;
/// far.set_nonblocking(true)?;
/// let mut sources = Sources::new(hub);
/// let token = sources.register(far).map_err(|refused| refused.error)?;
///
/// near.write_all(b"hello")?;
/// sources.arm(token, Interest::READABLE)?;
/// let mut events = Events::new();
/// sources.wait(&mut events, None)?;
/// for (ready, source, readiness) in sources.ready(&events) {
///     assert_eq!(ready, token);
///     assert!(readiness.is_readable());
///     let _: &UnixStream = source;
/// }
/// let far: UnixStream = sources.deregister(token)?;
/// # drop(far);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Sources<H, S> {
    /// First, because fields are dropped in this order: the hub goes before the descriptors whose
    /// openness it was promised.
    hub: H,
    slots: Vec<Slot<S>>,
    /// Head of the chain of vacant slots.
    vacant: Option<u32>,
    live: usize,
}

#[derive(Debug)]
struct Slot<S> {
    /// Of the tenant, or of the next tenant while vacant.
    generation: u32,
    state: SlotState<S>,
}

#[derive(Debug)]
enum SlotState<S> {
    Occupied(S),
    /// Vacant, with the next vacant slot of the chain.
    Vacant(Option<u32>),
}

impl<H: Hub, S: Source> Sources<H, S> {
    /// An empty table over `hub`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use eventlet_hub::fd::BorrowedFd;
    /// # use eventlet_hub::{Capabilities, Hub, Interest, Token, Trigger, WakeSource, Waker};
    /// # use std::{io, time::Duration};
    /// # struct MyHub(WakeSource);
    /// # impl Hub for MyHub {
    /// #     fn name(&self) -> &'static str { "mine" }
    /// #     fn capabilities(&self) -> Capabilities {
    /// #         Capabilities {
    /// #             trigger: Trigger::Edge,
    /// #             regular_files: true,
    /// #             max_descriptor: None,
    /// #             tells_hang_up: false,
    /// #             tells_read_closed: false,
    /// #             tells_urgent: false,
    /// #         }
    /// #     }
    /// #     unsafe fn register(&mut self, _: BorrowedFd<'_>, _: Token) -> io::Result<()> {
    /// #         Ok(())
    /// #     }
    /// #     fn arm(&mut self, _: Token, _: Interest) -> io::Result<()> { Ok(()) }
    /// #     fn deregister(&mut self, _: Token) -> io::Result<()> { Ok(()) }
    /// #     fn wait(&mut self, events: &mut Events, _: Option<Duration>) -> io::Result<()> {
    /// #         events.clear();
    /// #         if self.0.acknowledge() { events.set_woken(); }
    /// #         Ok(())
    /// #     }
    /// #     fn waker(&self) -> Waker { self.0.waker() }
    /// # }
    /// # let hub = MyHub(WakeSource::new()?);
    /// use eventlet_hub::{Events, Sources};
    /// use std::net::UdpSocket;
    ///
    /// let mut sources = Sources::new(hub);
    /// assert_eq!(sources.hub_name(), "mine");
    /// assert!(sources.is_empty() && sources.capabilities().regular_files);
    ///
    /// let token = sources.register(UdpSocket::bind("127.0.0.1:0")?)?;
    /// assert_eq!((sources.len(), sources.iter().count()), (1, 1));
    /// assert!(sources.get(token).is_some());
    /// let socket = sources.deregister_closing(token)?;
    /// drop(socket); // Soon: the hub may count on the descriptor being closed.
    /// assert!(sources.get(token).is_none(), "the slot's next tenant has another token");
    ///
    /// sources.waker().wake();
    /// let mut events = Events::new();
    /// sources.wait(&mut events, None)?;
    /// assert!(events.is_woken());
    /// # Ok::<(), io::Error>(())
    /// ```
    pub fn new(hub: H) -> Self {
        Sources {
            hub,
            slots: Vec::new(),
            vacant: None,
            live: 0,
        }
    }

    /// Registers a source and keeps it until it is deregistered. Nothing is armed yet.
    ///
    /// # Errors
    ///
    /// As for [`Hub::register`]; the source is handed back beside the error. `OutOfMemory` when
    /// every slot number is in use.
    pub fn register(&mut self, source: S) -> Result<Token, Refused<S>> {
        let (slot, generation) = match self.vacant {
            Some(slot) => (slot, self.slots[slot as usize].generation),
            None => match u32::try_from(self.slots.len()) {
                Ok(slot) if slot <= Token::MAX_SLOT => (slot, 0),
                _ => {
                    return Err(Refused {
                        source,
                        error: error::too_many_sources(),
                    });
                }
            },
        };
        let token = Token::new(slot, generation);
        // SAFETY: `Source` promises an open descriptor that never changes while the source lives;
        // this table owns the source and deregisters it before it lets go of it (`take`), or drops the
        // hub first (field order).
        if let Err(error) = unsafe { self.hub.register(source.as_fd(), token) } {
            return Err(Refused { source, error });
        }
        let state = SlotState::Occupied(source);
        match self.vacant {
            Some(slot) => {
                let slot = &mut self.slots[slot as usize];
                if let SlotState::Vacant(next) = slot.state {
                    self.vacant = next;
                }
                slot.state = state;
            }
            None => self.slots.push(Slot { generation, state }),
        }
        self.live += 1;
        Ok(token)
    }

    /// Says that somebody now waits for `interest`; see [`Hub::arm`].
    ///
    /// # Errors
    ///
    /// As for [`Hub::arm`].
    pub fn arm(&mut self, token: Token, interest: Interest) -> io::Result<()> {
        self.hub.arm(token, interest)
    }

    /// Ends a registration and hands the source back.
    ///
    /// # Errors
    ///
    /// `NotFound` if the token is not registered (any more). What a hub answers to the removal
    /// itself is of no consequence, since nothing is registered afterwards, and is not reported.
    pub fn deregister(&mut self, token: Token) -> io::Result<S> {
        self.take(token, H::deregister)
    }

    /// Ends a registration whose source the caller drops right afterwards, and of whose descriptor
    /// no duplicate exists; see [`Hub::deregister_closing`].
    ///
    /// # Errors
    ///
    /// As for [`deregister`](Self::deregister).
    pub fn deregister_closing(&mut self, token: Token) -> io::Result<S> {
        self.take(token, H::deregister_closing)
    }

    fn take(
        &mut self,
        token: Token,
        end: impl FnOnce(&mut H, Token) -> io::Result<()>,
    ) -> io::Result<S> {
        if self.get(token).is_none() {
            return Err(error::unknown_token(token));
        }
        // Nothing is registered afterwards whatever the hub answers (its contract).
        let _ = end(&mut self.hub, token);
        let slot = &mut self.slots[token.slot() as usize];
        slot.generation = slot.generation.wrapping_add(1);
        let state = std::mem::replace(&mut slot.state, SlotState::Vacant(self.vacant));
        self.vacant = Some(token.slot());
        self.live -= 1;
        match state {
            SlotState::Occupied(source) => Ok(source),
            SlotState::Vacant(_) => unreachable!("`get` found the slot occupied"),
        }
    }

    /// Waits for a batch of events; see [`Hub::wait`]. Look at them through
    /// [`ready`](Self::ready) or [`get`](Self::get), which skip events of former tenants.
    ///
    /// # Errors
    ///
    /// As for [`Hub::wait`].
    pub fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        self.hub.wait(events, timeout)
    }

    /// Waits for a batch of events until a point in time; see [`Hub::wait_until`].
    ///
    /// # Errors
    ///
    /// As for [`Hub::wait`].
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_hub::{Events, Hub, Sources};
    /// use std::io;
    /// use std::net::TcpStream;
    /// use std::time::Instant;
    ///
    /// /// Whether anything was ready before that time.
    /// fn is_ready_by<H: Hub>(
    ///     sources: &mut Sources<H, TcpStream>,
    ///     time: Instant,
    /// ) -> io::Result<bool> {
    ///     let mut events = Events::new();
    ///     sources.wait_until(&mut events, time)?;
    ///     Ok(sources.ready(&events).next().is_some())
    /// }
    /// ```
    pub fn wait_until(&mut self, events: &mut Events, deadline: Instant) -> io::Result<()> {
        self.hub.wait_until(events, deadline)
    }

    /// The events of a batch whose registrations still stand, each with its source.
    pub fn ready<'a>(
        &'a self,
        events: &'a Events,
    ) -> impl Iterator<Item = (Token, &'a S, Readiness)> {
        events.iter().filter_map(|event| {
            self.get(event.token)
                .map(|source| (event.token, source, event.readiness))
        })
    }

    /// The source behind a token, unless its registration has ended.
    pub fn get(&self, token: Token) -> Option<&S> {
        match self.slots.get(token.slot() as usize) {
            Some(Slot {
                generation,
                state: SlotState::Occupied(source),
            }) if *generation == token.generation() => Some(source),
            _ => None,
        }
    }

    /// How many sources are registered.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether nothing is registered.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// The registered sources with their tokens, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (Token, &S)> {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(index, slot)| match &slot.state {
                SlotState::Occupied(source) => {
                    Some((Token::new(index as u32, slot.generation), source))
                }
                SlotState::Vacant(_) => None,
            })
    }

    /// The hub's name.
    pub fn hub_name(&self) -> &'static str {
        self.hub.name()
    }

    /// What the hub can do.
    pub fn capabilities(&self) -> Capabilities {
        self.hub.capabilities()
    }

    /// A handle that ends a wait from elsewhere; see [`Hub::waker`].
    pub fn waker(&self) -> Waker {
        self.hub.waker()
    }
}

/// A source that a hub would not take, handed back with the reason.
///
/// # Examples
///
/// ```
/// use eventlet_hub::{Refused, error};
/// use std::io;
/// use std::net::UdpSocket;
///
/// let socket = UdpSocket::bind("127.0.0.1:0")?;
/// let refused = Refused { source: socket, error: error::too_many_sources() };
/// let back: UdpSocket = refused.source; // Nothing is lost with the refusal.
/// assert!(back.local_addr().is_ok());
/// // Who has no use for it lets `?` make an `io::Error` of it.
/// let error = io::Error::from(Refused { source: back, error: refused.error });
/// assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
/// # Ok::<(), io::Error>(())
/// ```
pub struct Refused<S> {
    /// What was to be registered.
    pub source: S,
    /// Why it was not.
    pub error: io::Error,
}

impl<S> fmt::Debug for Refused<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl<S> fmt::Display for Refused<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl<S> std::error::Error for Refused<S> {}

impl<S> From<Refused<S>> for io::Error {
    fn from(refused: Refused<S>) -> io::Error {
        refused.error
    }
}
