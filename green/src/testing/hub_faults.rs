//! Ordering which calls of a loop's hub fail: the kernel short of memory or of watches, as often as a
//! test wants it.
//!
//! [`Harness::failing`](super::Harness::failing) puts a hub that obeys around the real one (it is in
//! `sys`, since the trait's `register` is unsafe); [`Given::faults`](super::Given::faults) has the orders.
//! Streams that break are [`Failing`](super::Failing).

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::rc::Rc;

/// A call of a hub that may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HubCall {
    /// Tying a descriptor to the hub.
    Register,
    /// Saying that somebody waits. With an edge-triggered hub it has no reason to fail.
    Arm,
    /// Ending a registration. It ends all the same, as the hub's contract has it.
    Deregister,
    /// Waiting for what is ready.
    Wait,
}

impl HubCall {
    const COUNT: usize = 4;
}

/// Which calls of the hub fail, and how; of a loop that [`Harness::failing`](super::Harness::failing)
/// has made. Nothing fails until it is ordered. A call that fails does not reach the hub, but for
/// [`HubCall::Deregister`].
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_green::testing::{Harness, HubCall};
/// use std::io::{self, ErrorKind};
///
/// Harness::new().failing().run(|given| {
///     let faults = given.faults();
///     faults.fail(HubCall::Register, 2, || ErrorKind::StorageFull.into());
///     let first = TcpListener::bind("127.0.0.1:0").unwrap();
///     let second = TcpListener::bind("127.0.0.1:0").unwrap_err();
///     assert_eq!(second.kind(), ErrorKind::StorageFull);
///     TcpListener::bind("127.0.0.1:0").unwrap();
/// });
/// ```
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_green::testing::{Harness, HubCall, HubFaults};
/// use std::io::ErrorKind;
///
/// Harness::new().default_hub().failing().run(|given| {
///     let faults: &HubFaults = given.faults();
///     faults.break_down(HubCall::Register, || ErrorKind::StorageFull.into());
///     assert!(TcpListener::bind("127.0.0.1:0").is_err());
///     assert!(TcpListener::bind("127.0.0.1:0").is_err());
///     faults.heal();
///     assert!(TcpListener::bind("127.0.0.1:0").is_ok());
///     assert_eq!((faults.met(), faults.calls(HubCall::Register)), (2, 3));
///
///     faults.fail_any(1, || ErrorKind::StorageFull.into());
///     assert!(TcpListener::bind("127.0.0.1:0").is_err(), "whichever call it was");
///     assert!(faults.all_calls() >= faults.calls(HubCall::Register));
/// });
/// ```
#[derive(Clone, Default)]
pub struct HubFaults(Rc<State>);

#[derive(Default)]
struct State {
    /// How often each has been called.
    calls: [Cell<u64>; HubCall::COUNT],
    order: RefCell<Option<Order>>,
    /// Goes up with each order, and with each end of one.
    version: Cell<u64>,
    met: Cell<u64>,
}

struct Order {
    /// `None`: whichever it is.
    call: Option<HubCall>,
    /// How many calls go well before.
    spared: u64,
    lasts: Lasts,
    error: Box<dyn Fn() -> io::Error>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lasts {
    Once,
    UntilHealed,
}

impl HubFaults {
    /// The `n`-th of these calls from now on, counted from one, fails, and no other. Replaces an
    /// earlier order.
    ///
    /// # Panics
    ///
    /// If `n` is zero.
    pub fn fail(&self, call: HubCall, n: u64, error: impl Fn() -> io::Error + 'static) {
        self.order(Some(call), n, Lasts::Once, Box::new(error));
    }

    /// The `n`-th call from now on fails, whichever it is, and no other. Replaces an earlier order.
    ///
    /// # Panics
    ///
    /// If `n` is zero.
    pub fn fail_any(&self, n: u64, error: impl Fn() -> io::Error + 'static) {
        self.order(None, n, Lasts::Once, Box::new(error));
    }

    /// Each of these calls fails from now on, until [`heal`](Self::heal). Replaces an earlier order.
    pub fn break_down(&self, call: HubCall, error: impl Fn() -> io::Error + 'static) {
        self.order(Some(call), 1, Lasts::UntilHealed, Box::new(error));
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.replace(None);
    }

    /// How often this has been called so far, failing or not.
    pub fn calls(&self, call: HubCall) -> u64 {
        self.0.calls[call as usize].get()
    }

    /// How often anything has been called so far that may fail.
    pub fn all_calls(&self) -> u64 {
        self.0.calls.iter().map(Cell::get).sum()
    }

    /// How many calls have failed by order so far.
    pub fn met(&self) -> u64 {
        self.0.met.get()
    }

    fn order(
        &self,
        call: Option<HubCall>,
        n: u64,
        lasts: Lasts,
        error: Box<dyn Fn() -> io::Error>,
    ) {
        let spared = n.checked_sub(1).expect("calls are counted from one");
        let order = Order {
            call,
            spared,
            lasts,
            error,
        };
        self.replace(Some(order));
    }

    fn replace(&self, order: Option<Order>) {
        self.0.version.set(self.0.version.get() + 1);
        let earlier = self.0.order.replace(order);
        drop(earlier);
    }

    /// Counts a call, and says whether it fails.
    pub(crate) fn check(&self, call: HubCall) -> io::Result<()> {
        let count = &self.0.calls[call as usize];
        count.set(count.get() + 1);
        // Taken out, since the error is of the test's making.
        let mut place = self.0.order.borrow_mut();
        let Some(mut order) = place.take() else {
            return Ok(());
        };
        let is_meant = order.call.is_none_or(|meant| meant == call);
        if !is_meant || order.spared > 0 {
            order.spared -= u64::from(is_meant);
            *place = Some(order);
            return Ok(());
        }
        drop(place);
        self.0.met.set(self.met() + 1);
        let version = self.0.version.get();
        let error = (order.error)();
        // It may have ordered something itself.
        if order.lasts == Lasts::UntilHealed && self.0.version.get() == version {
            *self.0.order.borrow_mut() = Some(order);
        }
        Err(error)
    }
}

impl fmt::Debug for HubFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubFaults")
            .field("calls", &self.all_calls())
            .field("met", &self.met())
            .finish_non_exhaustive()
    }
}
