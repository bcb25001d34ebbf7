//! More threads than one: calls handed to another, results that come back, ends of threads.
//!
//! With the engine `may` a process has one run loop: what needs several is refused (`one_loop`).

mod support;

mod threads {
    mod cross;
    mod cross_unwinding;
    mod offload;
    #[cfg(feature = "engine-may")]
    mod one_loop;
    #[cfg(not(feature = "engine-may"))]
    mod remote;
    #[cfg(not(feature = "engine-may"))]
    mod several_loops;
    mod thread_end;
    mod workers;
}
