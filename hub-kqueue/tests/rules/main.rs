//! The rules of kqueue(2) that the hub keeps to, one test each.
//!
//! * `scripted`: a queue that writes down what it is asked and plays back answers.
//! * `registering`, `waiting`, `waking`: the hub over a scripted queue: what it submits, and what it makes
//!   of answers that a kernel gives once in a blue moon.
//! * `emulated`: the emulated queue itself keeps the rules that the hub relies on.
//! * `without_user_events`: the whole suite as on a system that has no `EVFILT_USER`.

#[cfg(target_os = "linux")]
mod emulated;
mod registering;
mod scripted;
mod waiting;
mod waking;

#[cfg(target_os = "linux")]
mod without_user_events {
    use eventlet_hub_kqueue::{EmulatedQueue, KqueueHub};

    eventlet_hub_test::conformance!(|| KqueueHub::over(EmulatedQueue::without_user_events()?));
}
