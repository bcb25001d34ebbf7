//! The life of coroutines: begun, waiting, woken, joined, killed, unwound, seen from outside; and time.

mod support;

mod coroutines {
    mod backtrace;
    mod callback;
    mod context;
    mod deadlock;
    mod fairness;
    mod futures;
    mod join_all;
    mod kill;
    mod links;
    mod local;
    mod messages;
    mod panics;
    mod regressions;
    mod scope;
    mod scope_cut_short;
    mod shown;
    mod snapshot;
    mod spawn;
    mod stacks;
    mod timeout;
    mod timers;
    mod trampoline;
    mod unwinding;
    mod waits;
}
