//! The examples as their users see them: programs that are started, talked to, and stopped by signals,
//! under every hub. The examples of the lower layers are tested there.

mod backdoor;
mod chat;
mod crawler;
mod echo_cores;
mod forwarder;
mod httpd;
mod producer_consumer;
mod support;
