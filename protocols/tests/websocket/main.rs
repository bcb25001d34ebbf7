//! WebSocket, under every hub from one source. `support` has a peer that takes nothing from the crate;
//! the other files are named for what they test.

mod accepting;
mod alive;
mod closing;
mod connecting;
mod faults;
mod messages;
mod sharing;
mod stopping;
mod support;
mod texts;
