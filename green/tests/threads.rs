//! More threads than one: calls handed to another, results that come back, ends of threads.

mod support;

mod threads {
    mod cross;
    mod cross_unwinding;
    mod offload;
    mod remote;
    mod thread_end;
    mod threads;
    mod workers;
}
