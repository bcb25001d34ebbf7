//! The test kit, tested: harness, streams in memory, seeds.

mod support;

mod kit {
    mod kit_duplex;
    #[cfg(unix)]
    mod kit_faults;
    mod kit_harness;
    mod kit_seeds;
    mod kit_streams;
}
