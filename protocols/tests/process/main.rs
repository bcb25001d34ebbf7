//! Child processes, under every hub and by each way of noticing their end, from one source.

mod communicating;
mod conversations;
mod descriptors;
mod ends;
mod groups;
mod losses;
mod pipelines;
mod pools;
mod scale;
mod starts;
mod streams;
mod support;
