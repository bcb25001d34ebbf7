//! More threads than one: calls handed to another, results that come back, ends of threads.

mod support;

mod threads {
    mod cross;
    mod cross_unwinding;
    mod offload;
    mod remote;
    mod several_loops;
    mod thread_end;
    mod workers;
}
