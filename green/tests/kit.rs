//! The test kit, tested: harness, streams in memory, seeds.

mod support;

mod kit {
    mod kit_duplex;
    mod kit_harness;
    mod kit_seeds;
    mod kit_streams;
}
