//! Log lines: loggers of lines and records, files and their rotation, syslog. What touches sockets or
//! parks is run under every hub.

mod access;
mod files;
mod layouts;
mod lines;
mod loggers;
mod support;
mod syslog_losses;
mod syslog_texts;
mod syslogs;
mod tees;
#[cfg(feature = "tracing")]
mod tracing_layer;
mod writers;
