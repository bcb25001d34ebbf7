//! The conformance suite under poll(2).

eventlet_hub_test::conformance!(eventlet_hub_poll::PollHub::new);
