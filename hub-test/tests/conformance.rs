//! The oracle passes the suite itself: what it would get wrong, it could not tell of others.

eventlet_hub_test::conformance!(eventlet_hub_test::Oracle::new);
