//! The conformance suite under select(2).

eventlet_hub_test::conformance!(eventlet_hub_select::SelectHub::new);
