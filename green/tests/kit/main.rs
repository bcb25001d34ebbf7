//! The test kit, tested: harness, streams in memory, seeds.

#[path = "../support/mod.rs"]
mod support;

mod kit_duplex;
mod kit_harness;
mod kit_seeds;
mod kit_streams;
