//! The conformance suite under the `polling` package, as it is used by default and as it is used where
//! its facility can do no more.

mod by_default {
    eventlet_hub_test::conformance!(eventlet_hub_polling::PollingHub::new);
}

mod portable {
    eventlet_hub_test::conformance!(eventlet_hub_polling::PollingHub::portable);
}
