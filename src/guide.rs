//! The guide, chapter by chapter. It stands here so that its programs are compiled and run, and so that it
//! can be read beside the docs of what it is about; as a book it is put together by `docs/book.toml`.
//!
//! In front of each chapter stands `guide/links.md`: where a chapter refers to another, that leads to the
//! module here, and to the file where the chapter is read as a file. (The first definition of a link
//! counts. Tests go without, so that they are named by the chapter's own lines.)

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[cfg_attr(feature = "http", doc = include_str!("../docs/guide/first-server.md"))]
#[cfg_attr(
    not(feature = "http"),
    doc = "A first server: this chapter is there with the feature `http`."
)]
pub mod first_server {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/how-it-works.md")]
pub mod how_it_works {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/green.md")]
pub mod green {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/time-limits.md")]
pub mod time_limits {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/coordination.md")]
pub mod coordination {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/pools.md")]
pub mod pools {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/threads.md")]
pub mod threads {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[cfg_attr(feature = "json", doc = include_str!("../docs/guide/http.md"))]
#[cfg_attr(
    not(feature = "json"),
    doc = "An HTTP server: this chapter is there with the feature `json`."
)]
pub mod http {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[cfg_attr(feature = "json", doc = include_str!("../docs/guide/http-client.md"))]
#[cfg_attr(
    not(feature = "json"),
    doc = "An HTTP client: this chapter is there with the feature `json`."
)]
pub mod http_client {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[cfg_attr(feature = "tls", doc = include_str!("../docs/guide/tls.md"))]
#[cfg_attr(
    not(feature = "tls"),
    doc = "TLS: this chapter is there with the feature `tls`."
)]
pub mod tls {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[cfg_attr(feature = "websocket", doc = include_str!("../docs/guide/websocket.md"))]
#[cfg_attr(
    not(feature = "websocket"),
    doc = "WebSocket: this chapter is there with the feature `websocket`."
)]
pub mod websocket {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[cfg_attr(feature = "backdoor", doc = include_str!("../docs/guide/backdoor.md"))]
#[cfg_attr(
    not(feature = "backdoor"),
    doc = "The console: this chapter is there with the feature `backdoor`."
)]
pub mod backdoor {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[cfg_attr(feature = "processes", doc = include_str!("../docs/guide/processes.md"))]
#[cfg_attr(
    not(feature = "processes"),
    doc = "Child processes: this chapter is there with the feature `processes`."
)]
pub mod processes {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[cfg_attr(feature = "log", doc = include_str!("../docs/guide/logging.md"))]
#[cfg_attr(
    not(feature = "log"),
    doc = "Logging: this chapter is there with the feature `log`."
)]
pub mod logging {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/testing.md")]
pub mod testing {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/debugging.md")]
pub mod debugging {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/stacks.md")]
pub mod stacks {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[cfg_attr(feature = "tls", doc = include_str!("../docs/guide/blocking-libraries.md"))]
#[cfg_attr(
    not(feature = "tls"),
    doc = "Blocking libraries: this chapter is there with the feature `tls`."
)]
pub mod blocking_libraries {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[cfg_attr(feature = "tower", doc = include_str!("../docs/guide/async.md"))]
#[cfg_attr(
    not(feature = "tower"),
    doc = "Async code: this chapter is there with the feature `tower`."
)]
pub mod async_code {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/hubs.md")]
pub mod hubs {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/writing-a-hub.md")]
pub mod writing_a_hub {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/runloop.md")]
pub mod runloop {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/coming-from-eventlet.md")]
pub mod coming_from_eventlet {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/coming-from-go.md")]
pub mod coming_from_go {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/coming-from-tokio.md")]
pub mod coming_from_tokio {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/platforms.md")]
pub mod platforms {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/non-goals.md")]
pub mod non_goals {}

#[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#[doc = include_str!("../docs/guide/troubleshooting.md")]
pub mod troubleshooting {}

#[cfg(feature = "http")]
#[doc = include_str!("../README.md")]
pub mod readme {}
