//! A queue that writes down what it is asked and plays back what it is told to. Where the script has
//! ended, changes succeed and waits find nothing.

use std::collections::VecDeque;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use eventlet_hub::{Sources, Token};
use eventlet_hub_kqueue::constants::{
    EV_CLEAR, EV_ERROR, EV_RECEIPT, EVFILT_READ, EVFILT_USER, EVFILT_WRITE,
};
use eventlet_hub_kqueue::{Kevent, KqueueHub, Queue};

/// One call of `kevent`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub changes: Vec<Kevent>,
    pub room: usize,
    pub timeout: Option<Duration>,
}

/// What is played back.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A receipt for each change, with these errors.
    Receipts(Vec<i32>),
    /// These, out of a wait.
    Events(Vec<Kevent>),
    /// The call fails.
    Error(i32),
}

#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<Answer>,
    calls: Vec<Call>,
}

/// The queue; its clones share one script.
#[derive(Clone, Debug, Default)]
pub struct ScriptedQueue(Arc<Mutex<Script>>);

impl ScriptedQueue {
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let queue = Self::default();
        queue.plays(answers);
        queue
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().expect("no test panics while it holds it")
    }

    /// Adds to what is played back.
    pub fn plays(&self, answers: impl IntoIterator<Item = Answer>) {
        self.script().answers.extend(answers);
    }

    /// What was asked since the last time.
    pub fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.script().calls)
    }

    /// A hub over it, past its first call: the one that registers the user event.
    pub fn hub(&self) -> KqueueHub<ScriptedQueue> {
        let hub = KqueueHub::over(self.clone()).expect("hub");
        self.calls();
        hub
    }

    /// Such a hub with one socket registered, past the call that does it.
    pub fn watching_one(&self) -> (Sources<KqueueHub<ScriptedQueue>, UnixStream>, Token) {
        let mut sources = Sources::new(self.hub());
        let token = sources.register(socket()).expect("register");
        self.calls();
        (sources, token)
    }
}

impl Queue for ScriptedQueue {
    fn kevent(
        &self,
        changes: &[Kevent],
        events: &mut [Kevent],
        timeout: Option<Duration>,
    ) -> io::Result<usize> {
        let mut script = self.script();
        script.calls.push(Call {
            changes: changes.to_vec(),
            room: events.len(),
            timeout,
        });
        let wanted = changes
            .iter()
            .filter(|change| change.flags() & EV_RECEIPT != 0);
        let answer = match script.answers.pop_front() {
            Some(answer) => answer,
            None => Answer::Receipts(vec![0; wanted.clone().count()]),
        };
        let list: Vec<Kevent> = match answer {
            Answer::Error(errno) => return Err(io::Error::from_raw_os_error(errno)),
            Answer::Events(list) => list,
            Answer::Receipts(errors) => wanted
                .zip(errors)
                .map(|(change, error)| change.with_flags(EV_ERROR).with_data(error.into()))
                .collect(),
        };
        events[..list.len()].copy_from_slice(&list);
        Ok(list.len())
    }
}

/// A socket that nothing happens to; its peer is gone, which the script does not tell.
pub fn socket() -> UnixStream {
    UnixStream::pair().expect("pair").0
}

/// An event of a registration.
pub fn event(token: Token, filter: i32, flags: u32) -> Kevent {
    Kevent::new(3, filter, EV_CLEAR | flags, token.to_word())
}

pub fn readable(token: Token, flags: u32) -> Kevent {
    event(token, EVFILT_READ, flags)
}

pub fn writable(token: Token, flags: u32) -> Kevent {
    event(token, EVFILT_WRITE, flags)
}

/// The user event, triggered.
pub fn rung() -> Kevent {
    Kevent::new(0, EVFILT_USER, EV_CLEAR, Token::WAKER.to_word())
}
