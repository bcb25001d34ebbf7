//! A test kit for programs made of coroutines. Behind the feature `testing`, for dev-dependencies:
//!
//! ```toml
//! [dev-dependencies]
//! eventlet-green = { version = "0.1", features = ["testing"] }
//! ```
//!
//! A test gets a fresh loop under each hub, a watchdog, and a check that nothing is left behind:
//!
//! ```
//! use eventlet_green::testing::{duplex, on_each_hub_jumping};
//! use eventlet_green::{sleep, spawn};
//! use std::io::{Read, Write};
//! use std::time::Duration;
//!
//! on_each_hub_jumping(|clock| {
//!     let (mut near, mut far) = duplex(4096);
//!     let peer = spawn(move || {
//!         sleep(Duration::from_secs(3600)); // takes no time
//!         far.write_all(b"late")
//!     });
//!     let mut text = String::new();
//!     near.read_to_string(&mut text).unwrap();
//!     assert_eq!(text, "late");
//!     peer.join().unwrap().unwrap();
//! });
//! ```
//!
//! * Running: [`Harness`] with its short forms [`run`], [`on_each_hub`], [`on_each_hub_jumping`];
//!   [`Watchdog`]; [`in_children`] for what needs a process of its own.
//! * Time: [`ManualClock`], which jumps or is moved by hand, [`step`], [`settle`]; [`until`] and
//!   [`until_parked`] for waiting without time.
//! * Left behind: [`assert_nothing_is_left`], [`Leftovers`], [`OpenFiles`].
//! * Order: [`for_seeds`] looks for an order in which a test fails, and names its seed; [`Dice`].
//! * Streams: [`duplex()`], a connection in memory; [`Chunks`], [`Trickle`], [`Failing`] around any
//!   stream ([`SharedStream`]: by a shared reference too); [`tcp_pair`], a real connection.
//!
//! * Faults: a hub that fails as ordered, [`Harness::failing`] with [`HubFaults`]; a stream that does,
//!   [`Failing`].
//!
//! Not here: mocks of the network, or measuring. What a running program does is shown by
//! [`stats`](crate::stats()).
//!
//! # Why a module and not a package
//!
//! The kit parks coroutines, lists what is pending and turns the loop, for which it needs the inside
//! of this package. In a package of its own that inside would have to be public, and this package's
//! tests would need a package that needs this one. With the feature off nothing of it is compiled.
//!
//! # Environment
//!
//! | variable | what it does |
//! |---|---|
//! | `EVENTLET_SEED` ([`SEED_VARIABLE`]) | runs shuffled tests with this seed alone, as a failure named it |
//! | `EVENTLET_TEST_PATIENCE` ([`PATIENCE_VARIABLE`]) | seconds until a test counts as hanging, for slow machines and tools |
//! | `EVENTLET_TEST_HUBS` ([`HUBS_VARIABLE`]) | has "each hub" mean these, separated by commas |
//! | `EVENTLET_HUB` | the default hub, as everywhere |

mod children;
mod chunks;
mod duplex;
mod each_hub;
mod failing;
mod given;
mod harness;
mod hub_faults;
mod leftovers;
mod open_files;
mod pipe;
mod seeds;
mod shared;
mod time;
mod watchdog;

use std::io;

pub use children::{child_command, in_children, is_child};
pub use chunks::{Chunks, Trickle};
pub use duplex::{Duplex, duplex};
pub use each_hub::HUBS_VARIABLE;
pub use eventlet_runloop::{Dice, ManualClock};
pub use failing::Failing;
pub use given::Given;
pub use harness::{Harness, on_each_hub, on_each_hub_jumping, on_fresh_thread, run};
pub use hub_faults::{HubCall, HubFaults};
pub use leftovers::{Leftovers, assert_nothing_is_left};
pub use open_files::OpenFiles;
pub use seeds::{SEED_VARIABLE, for_seeds, seed};
pub use shared::SharedStream;
pub use time::{settle, step, until, until_parked};
pub use watchdog::{PATIENCE_VARIABLE, Watchdog};

use crate::net::{TcpListener, TcpStream};

/// Two ends of a TCP connection over the loopback interface: who connected, and who accepted.
///
/// # Errors
///
/// What binding, connecting or accepting give.
///
/// # Examples
///
/// ```
/// use eventlet_green::testing::tcp_pair;
///
/// let (near, far) = tcp_pair()?;
/// assert_eq!(near.peer_addr()?, far.local_addr()?);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn tcp_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    // The kernel's queue takes it before it is accepted.
    let client = TcpStream::connect(address)?;
    let (server, _) = listener.accept()?;
    Ok((client, server))
}
