//! What this package's errors say, and what they stem from: each text once, as a program would print it.
//! (That they come when they should is tested where they come from.)

use std::convert::Infallible;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::io;
use std::sync::Arc;

use eventlet_green::channel::{
    JoinTasksError, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TooManyDone,
    TryRecvError, TrySendError,
};
use eventlet_green::context::RegisterError;
use eventlet_green::cores::LoopsError;
use eventlet_green::pool::{FanError, FanFailure, PoolError, SpawnError};
use eventlet_green::sync::EventError;
use eventlet_green::{
    AccessError, BacktraceError, Ending, FirstError, HUB_VARIABLE, JoinError, JoinTimeoutError,
    LoopGone, NeedsUnwinding, Origin, ParkError, RemoteJoinTimeoutError, SetupError, TimeoutError,
    hubs,
};

/// A value that cannot be shown: errors that carry one can be, all the same.
struct Mute;

fn in_callback() -> ParkError {
    ParkError::InCallback
}

const IN_CALLBACK: &str = "this would have had to wait, which is not possible in a callback of the run \
     loop; spawn a coroutine from it";
const NEEDS_UNWINDING: &str = "kill and timeout unwind the coroutine's stack, which a program built with \
     panic = \"abort\" cannot; use the deadlines of sockets, or build with unwinding";

/// The error's text, and those of what it stems from.
#[track_caller]
fn says(error: &dyn Error, texts: &[&str]) {
    let mut told = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        told.push(cause.to_string());
        next = cause.source();
    }
    assert_eq!(told, texts);
}

#[track_caller]
fn shows(value: &impl Debug, text: &str) {
    assert_eq!(format!("{value:?}"), text);
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "broken")
}

#[test]
fn why_a_call_could_not_wait() {
    let failed = || ParkError::HubFailed(Arc::new(broken()));
    says(
        &ParkError::Unwinding,
        &[
            "this would have had to wait, which is not possible while a panic or a kill unwinds the \
           stack",
        ],
    );
    says(&in_callback(), &[IN_CALLBACK]);
    says(
        &ParkError::InContext,
        &["this would have had to wait, which is not possible in a hook of a context"],
    );
    says(&failed(), &["the hub cannot wait: broken", "broken"]);
    says(
        &ParkError::ThreadEnding,
        &["the thread is ending and takes no new coroutines"],
    );
    says(
        &ParkError::Closed,
        &["closed: what this waited for will never come"],
    );
    says(&NeedsUnwinding, &[NEEDS_UNWINDING]);
    for (error, kind) in [
        (ParkError::Unwinding, io::ErrorKind::Other),
        (in_callback(), io::ErrorKind::Unsupported),
        (ParkError::InContext, io::ErrorKind::Unsupported),
        (failed(), io::ErrorKind::BrokenPipe),
        (ParkError::ThreadEnding, io::ErrorKind::Unsupported),
        (ParkError::Closed, io::ErrorKind::NotConnected),
    ] {
        let text = error.to_string();
        let as_io = io::Error::from(error);
        assert_eq!((as_io.kind(), as_io.to_string()), (kind, text));
    }
}

#[test]
fn channels() {
    let closed = "the channel is closed";
    says(&SendError::Closed(Mute), &[closed]);
    says(
        &SendError::Refused(Mute, in_callback()),
        &[IN_CALLBACK, IN_CALLBACK],
    );
    says(&TrySendError::Full(Mute), &["the channel is full"]);
    says(&TrySendError::Closed(Mute), &[closed]);
    says(
        &SendTimeoutError::TimedOut(Mute),
        &["nobody took the value in time"],
    );
    says(&SendTimeoutError::Closed(Mute), &[closed]);
    says(
        &SendTimeoutError::Refused(Mute, in_callback()),
        &[IN_CALLBACK, IN_CALLBACK],
    );
    says(&RecvError::Closed, &[closed]);
    says(
        &RecvError::Refused(in_callback()),
        &[IN_CALLBACK, IN_CALLBACK],
    );
    says(&TryRecvError::Empty, &["the channel is empty"]);
    says(&TryRecvError::Closed, &[closed]);
    says(&RecvTimeoutError::TimedOut, &["no value came in time"]);
    says(&RecvTimeoutError::Closed, &[closed]);
    says(
        &RecvTimeoutError::Refused(in_callback()),
        &[IN_CALLBACK, IN_CALLBACK],
    );
    says(
        &JoinTasksError::Abandoned,
        &["the receivers are gone, and not all tasks were done"],
    );
    says(
        &JoinTasksError::TimedOut,
        &["not all tasks were done in time"],
    );
    says(
        &JoinTasksError::Refused(in_callback()),
        &[IN_CALLBACK, IN_CALLBACK],
    );
    says(
        &TooManyDone,
        &["more tasks were said to be done than were sent"],
    );

    shows(&SendError::Closed(Mute), "Closed(..)");
    let refused = SendError::Refused(Mute, in_callback());
    shows(&refused, "Refused(.., InCallback)");
    shows(&TrySendError::Full(Mute), "Full(..)");
    shows(&TrySendError::Closed(Mute), "Closed(..)");
    shows(&SendTimeoutError::TimedOut(Mute), "TimedOut(..)");
    shows(&SendTimeoutError::Closed(Mute), "Closed(..)");
    let refused = SendTimeoutError::Refused(Mute, in_callback());
    shows(&refused, "Refused(.., InCallback)");
}

#[test]
fn joining() {
    let unhappy = || JoinError::Panicked(Box::new("unhappy"));
    says(&unhappy(), &["the coroutine panicked: unhappy"]);
    says(
        &JoinError::Panicked(Box::new(7)),
        &["the coroutine panicked: a payload that is no text"],
    );
    says(&JoinError::Killed, &["the coroutine was killed"]);
    says(&JoinError::Itself, &["a coroutine cannot join itself"]);
    says(
        &JoinError::Refused(in_callback()),
        &[IN_CALLBACK, IN_CALLBACK],
    );
    says(
        &JoinError::LoopGone,
        &["the loop ended before the coroutine began"],
    );
    says(
        &JoinError::NotStarted(broken()),
        &["the coroutine could not be started: broken", "broken"],
    );
    shows(&unhappy(), "JoinError(the coroutine panicked: unhappy)");
    assert_eq!(JoinError::Killed.panic_text(), None);
    says(
        &JoinTimeoutError::<()>::Failed(unhappy()),
        &["the coroutine panicked: unhappy"],
    );
    says(
        &RemoteJoinTimeoutError::<()>::Failed(JoinError::LoopGone),
        &["the loop ended before the coroutine began"],
    );
    says(&FirstError::Empty, &["there are no coroutines to wait for"]);
    says(
        &FirstError::Elapsed,
        &["none of the coroutines has ended in time"],
    );
    says(
        &FirstError::Refused(in_callback()),
        &[IN_CALLBACK, IN_CALLBACK],
    );
    says(
        &FirstError::from(NeedsUnwinding),
        &[NEEDS_UNWINDING, NEEDS_UNWINDING],
    );
    says(&TimeoutError::Elapsed, &["the time limit was over"]);
    assert_eq!(
        TimeoutError::from(NeedsUnwinding).to_string(),
        NEEDS_UNWINDING
    );
    assert_eq!(
        LoopGone(Mute).to_string(),
        "the loop has ended with its thread"
    );
    shows(&LoopGone(Mute), "LoopGone(..)");
    for (ending, text) in [
        (Ending::Returned, "it returned"),
        (Ending::Panicked, "it panicked"),
        (Ending::Killed, "it was killed"),
    ] {
        assert_eq!(ending.to_string(), text);
    }
}

#[test]
fn pools_and_fans() {
    type OfPool = PoolError<io::Error>;
    says(
        &OfPool::Create(broken()),
        &["no item could be made: broken", "broken"],
    );
    says(&OfPool::Elapsed, &["no item was free in time"]);
    says(&OfPool::Closed, &["the pool is closed"]);
    says(&OfPool::Refused(in_callback()), &[IN_CALLBACK, IN_CALLBACK]);
    for (error, kind, text) in [
        (OfPool::Create(broken()), io::ErrorKind::Other, "broken"),
        (
            OfPool::Elapsed,
            io::ErrorKind::TimedOut,
            "no item was free in time",
        ),
        (
            OfPool::Closed,
            io::ErrorKind::BrokenPipe,
            "the pool is closed",
        ),
        (
            OfPool::Refused(in_callback()),
            io::ErrorKind::Unsupported,
            IN_CALLBACK,
        ),
    ] {
        let error = io::Error::from(error);
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, text));
    }
    says(
        &SpawnError::NoSeat(Mute),
        &["all seats of the workers are taken"],
    );
    says(&SpawnError::<Mute>::Failed(broken()), &["broken", "broken"]);
    shows(
        &SpawnError::NoSeat(Mute),
        "SpawnError(all seats of the workers are taken)",
    );

    type OfCall = FanFailure<io::Error, Infallible>;
    says(&OfCall::Returned(broken()), &["broken", "broken"]);
    says(
        &OfCall::Ended(JoinError::Killed),
        &["the coroutine was killed", "the coroutine was killed"],
    );
    says(
        &OfCall::NoItem(PoolError::Closed),
        &["the pool is closed", "the pool is closed"],
    );
    says(
        &OfCall::NotStarted(broken()),
        &["the call was not made: broken", "broken"],
    );
    let some = FanError::SomeFailed(vec![Ok(1), Err("no"), Err("no")]);
    assert_eq!(some.to_string(), "2 of 3 calls failed");
    let all = FanError::<(), _>::AllFailed(vec!["no"; 3]);
    assert_eq!(all.to_string(), "all 3 calls failed");
}

#[test]
fn what_belongs_to_a_coroutine_or_a_loop() {
    fn told(texts: &[(&dyn Display, &str)]) {
        for (error, text) in texts {
            assert_eq!(error.to_string(), *text);
        }
    }
    told(&[
        (
            &AccessError::Dropped,
            "it has been dropped with its coroutine, which is ending",
        ),
        (
            &AccessError::InCallback,
            "the caller is a callback of the run loop, which is no coroutine",
        ),
        (
            &RegisterError::Registered,
            "the context is registered in this coroutine already",
        ),
        (
            &RegisterError::InHook,
            "a hook of a context can neither register nor unregister one",
        ),
        (
            &RegisterError::InCallback,
            "a callback of the run loop is no coroutine, and has no contexts",
        ),
        (
            &BacktraceError::NoSuchCoroutine,
            "this thread has no coroutine with that id",
        ),
        (
            &BacktraceError::NotStarted,
            "the coroutine has not run yet, so its stack is empty",
        ),
        (
            &BacktraceError::StackTooFull,
            "the coroutine has too little of its stack left to take the frames on it",
        ),
        (
            &BacktraceError::Unsupported,
            "with the engine may, a coroutine cannot be shown the root stack",
        ),
    ]);
    says(
        &EventError::Cancelled,
        &["the wait for the event was cancelled"],
    );
    says(&EventError::Sent(Arc::new(broken())), &["broken"]);
    let failed = ParkError::HubFailed(Arc::new(broken()));
    says(
        &EventError::Refused(failed),
        &["the hub cannot wait: broken", "broken"],
    );
    let refused = LoopsError::Refused(broken());
    says(&refused, &["broken", "broken"]);
    shows(&refused, "LoopsError(broken)");
}

#[test]
fn making_a_loop() {
    let there: Vec<_> = hubs().collect();
    let there = there.join(", ");
    let unknown = |origin| SetupError::UnknownHub {
        name: "kqueuex".into(),
        origin,
    };
    says(
        &unknown(Origin::Program),
        &[&format!(
            "there is no hub \"kqueuex\" in this program; there are: {there}"
        )],
    );
    says(
        &unknown(Origin::Environment),
        &[&format!(
            "there is no hub \"kqueuex\" in this program (named by {HUB_VARIABLE}); there are: {there}"
        )],
    );
    let failed = SetupError::HubFailed {
        hub: "epoll",
        error: broken(),
    };
    says(
        &failed,
        &["the epoll hub cannot be opened: broken", "broken"],
    );
    assert_eq!(io::Error::from(failed).kind(), io::ErrorKind::BrokenPipe);
    says(
        &SetupError::AlreadyRunning,
        &["this thread has a run loop already; choose its settings before its first use"],
    );
    says(
        &SetupError::ThreadEnding,
        &["this thread is ending and takes no run loop any more"],
    );
    let refused = SetupError::Refused {
        engine: "may",
        why: "there is one loop",
    };
    says(&refused, &["with the engine may, there is one loop"]);
    assert_eq!(io::Error::from(refused).kind(), io::ErrorKind::Unsupported);
}
