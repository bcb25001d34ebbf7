//! The wire code, case by case, over byte slices alone. `scenario` holds the helpers; the other
//! files are named for the file of `src/wire` they test. Every message is also fed cut at each
//! byte, and byte by byte.

mod access_log;
mod allocations;
mod body;
mod chunked;
mod connection;
mod date;
mod error_page;
mod forwarded;
mod framing;
mod limits;
mod query;
mod random;
mod redirect;
mod request_parser;
mod request_writer;
mod response_body;
mod response_parser;
mod response_writer;
mod scenario;
mod target;
