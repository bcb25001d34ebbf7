//! The conformance suite that every hub of eventlet passes.
//!
//! A backend instantiates it in one line of its `tests/conformance.rs`:
//!
//! ```
//! # use eventlet_hub_test as _;
//! # mod shown { // in a backend:
//! # use std::io; struct MyHub; impl MyHub { fn new() -> io::Result<eventlet_hub_test::Oracle> { eventlet_hub_test::Oracle::new() } }
//! eventlet_hub_test::conformance!(MyHub::new);
//! # }
//! ```
//!
//! which makes one test per [`Area`] of the contract. The cases run one at a time in the whole
//! process, since some of them fork, and others need descriptor numbers to be predictable; each has
//! a watchdog. What a hub declares that it cannot do is skipped with one line on standard error.
//!
//! # Index
//!
//! * `suite`: the areas and their cases; [`failures`] runs some of them and tells what failed.
//! * [`Oracle`]: a slow, obvious hub; the random operations compare every hub with it.
//! * [`Broken`]: hubs that are wrong on purpose, which `tests/catches_faults.rs` shows to be caught.
//! * `fixture`, `expect`: what is registered, and what must come.
//!
//! # Non-goals
//!
//! Speed; that is what `benches` is for. All unsafe code is in `sys.rs`, which says why it is needed.

#![deny(unsafe_code)]
#![cfg(unix)]

mod broken;
mod expect;
mod fixture;
mod oracle;
mod random_ops;
mod run;
mod subject;
mod suite;
mod sys;

pub use broken::{Broken, Fault};
pub use oracle::Oracle;
pub use run::{Failure, check, failures};
pub use subject::Subject;
pub use suite::Area;

/// Makes one test per area of the contract, for the hubs that the given function makes.
///
/// The only list of the areas that a backend needs.
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::conformance!(
            @areas $make;
            registration Registration,
            readiness Readiness,
            drain Drain,
            hang_up HangUp,
            timeouts Timeouts,
            wake_up WakeUp,
            changes Changes,
            descriptor_reuse Reuse,
            many_descriptors Many,
            batches Batches,
            fork Fork,
            signals Signals,
            errors Errors,
            random_operations Random,
        );
    };
    (@areas $make:expr; $($name:ident $area:ident,)*) => {
        $(
            #[test]
            fn $name() {
                $crate::check($crate::Area::$area, &$crate::Subject::new($make));
            }
        )*

        #[test]
        fn every_area_is_in_the_list() {
            assert_eq!([$($crate::Area::$area),*], $crate::Area::ALL);
        }
    };
}
