//! The examples as their users see them: programs that are started, talked to, and stopped by signals,
//! under every hub. The examples of the lower layers are tested there.

mod attacks;
mod backdoor;
#[cfg(feature = "websocket")]
mod browser;
mod cgi;
mod chat;
mod clients;
mod crawler;
mod echo_cores;
mod forwarder;
mod httpd;
#[cfg(feature = "tls")]
mod https;
mod json_client;
mod logging;
mod process_pool;
mod producer_consumer;
mod reverse_proxy;
mod supervisor;
mod support;
#[cfg(feature = "tls")]
mod testbed;
mod web;
mod web_server;
#[cfg(feature = "websocket")]
mod websocket_chat;
#[cfg(feature = "websocket")]
mod websocket_echo;
