//! Who is registered for which filter, and with what. One registration per number and filter, as in
//! kqueue; each has a key of its own that its epoll hands back, so that what is left of a number's
//! former registration is never taken for the present one's.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::stat::{SFlag, fstat};

use super::answer::answer;
use crate::constants::{
    EV_ADD, EV_CLEAR, EV_DELETE, EV_DISABLE, EV_DISPATCH, EV_ENABLE, EV_ONESHOT, EVFILT_READ,
    EVFILT_WRITE,
};
use crate::{Kevent, sys};

/// Every registration.
#[derive(Debug)]
pub(super) struct Table {
    reading: Arc<Epoll>,
    writing: Arc<Epoll>,
    registrations: HashMap<u64, Registration>,
    /// The present registration of a number and filter.
    present: HashMap<(usize, i32), u64>,
    next_key: u64,
    /// Whose turn it is to be looked at first.
    first: i32,
    /// Files that epoll refuses because they are always ready: reported once for each time they are
    /// added, which is all that an edge-triggered user asks for.
    always: VecDeque<u64>,
}

/// One registration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registration {
    pub(super) ident: usize,
    pub(super) filter: i32,
    /// EV_CLEAR, EV_ONESHOT and EV_DISPATCH, as they were when it was made.
    pub(super) sticky: u32,
    pub(super) udata: usize,
    pub(super) state: State,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Enabled,
    Disabled,
}

/// What a registration is of, as far as it makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It has no error that could be told.
    Pipe,
    /// Always ready.
    Regular,
    Other,
}

/// What a registration keeps of its first flags for all its life.
const STICKY: u32 = EV_CLEAR | EV_ONESHOT | EV_DISPATCH;

impl Table {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Table {
            reading: Arc::new(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?),
            writing: Arc::new(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?),
            registrations: HashMap::new(),
            present: HashMap::new(),
            next_key: 0,
            first: EVFILT_READ,
            always: VecDeque::new(),
        })
    }

    pub(super) fn epoll(&self, filter: i32) -> &Epoll {
        if filter == EVFILT_READ {
            &self.reading
        } else {
            &self.writing
        }
    }

    /// Both, to be waited for without the table.
    pub(super) fn epolls(&self) -> [Arc<Epoll>; 2] {
        [Arc::clone(&self.reading), Arc::clone(&self.writing)]
    }

    /// The filters, in the order to look at them this time.
    pub(super) fn next_turn(&mut self) -> [i32; 2] {
        let order = if self.first == EVFILT_READ {
            [EVFILT_READ, EVFILT_WRITE]
        } else {
            [EVFILT_WRITE, EVFILT_READ]
        };
        self.first = order[1];
        order
    }

    /// One change.
    pub(super) fn apply(&mut self, change: &Kevent) -> Result<(), Errno> {
        if change.filter() != EVFILT_READ && change.filter() != EVFILT_WRITE {
            return Err(Errno::EINVAL);
        }
        let number = i32::try_from(change.ident()).map_err(|_| Errno::EBADF)?;
        fcntl(sys::named(&number), FcntlArg::F_GETFD)?;
        let place = (change.ident(), change.filter());
        let flags = change.flags();
        let present = self.present.get(&place).copied();
        if flags & EV_DELETE != 0 {
            let key = present.ok_or(Errno::ENOENT)?;
            let regular = self.registrations[&key].kind == Kind::Regular;
            self.forget(key);
            // ENOENT: it was closed, and the number is somebody else's by now.
            return match self.epoll(change.filter()).delete(sys::named(&number)) {
                Err(Errno::ENOENT | Errno::EPERM) if regular => Ok(()),
                outcome => outcome,
            };
        }
        if let Some(key) = present {
            if self.change(key, change, number)? {
                return Ok(());
            }
            // The number was closed and opened again meanwhile.
            self.forget(key);
        }
        if flags & EV_ADD == 0 {
            return Err(Errno::ENOENT);
        }
        self.add(change, number)
    }

    /// A second EV_ADD, EV_ENABLE or EV_DISABLE: looks anew whether it is ready. Says whether it is
    /// still there.
    fn change(&mut self, key: u64, change: &Kevent, number: i32) -> Result<bool, Errno> {
        let mut registration = self.registrations[&key];
        registration.udata = change.udata();
        if change.flags() & EV_DISABLE != 0 {
            registration.state = State::Disabled;
        } else if change.flags() & EV_ENABLE != 0 {
            registration.state = State::Enabled;
        }
        if registration.kind == Kind::Regular {
            self.always.push_back(key);
        } else {
            let mut watch = EpollEvent::new(asked(&registration), key);
            match self
                .epoll(registration.filter)
                .modify(sys::named(&number), &mut watch)
            {
                Ok(()) => {}
                Err(Errno::ENOENT) => return Ok(false),
                Err(errno) => return Err(errno),
            }
        }
        self.registrations.insert(key, registration);
        Ok(true)
    }

    fn add(&mut self, change: &Kevent, number: i32) -> Result<(), Errno> {
        let fd = sys::named(&number);
        let mut registration = Registration {
            ident: change.ident(),
            filter: change.filter(),
            sticky: change.flags() & STICKY,
            udata: change.udata(),
            state: match change.flags() & EV_DISABLE {
                0 => State::Enabled,
                _ => State::Disabled,
            },
            kind: Kind::Other,
        };
        if is_pipe(&number)? {
            registration.kind = Kind::Pipe;
            // What the kernels with a kqueue say of a pipe that nobody reads any more.
            if change.filter() == EVFILT_WRITE && is_broken(&number)? {
                return Err(Errno::EPIPE);
            }
        }
        let key = self.next_key;
        self.next_key += 1;
        let mut watch = EpollEvent::new(asked(&registration), key);
        match self.epoll(change.filter()).add(fd, watch) {
            Ok(()) => {}
            // The same file came back under the number while a duplicate kept it alive.
            Err(Errno::EEXIST) => self.epoll(change.filter()).modify(fd, &mut watch)?,
            Err(Errno::EPERM) => {
                registration.kind = Kind::Regular;
                self.always.push_back(key);
            }
            Err(errno) => return Err(errno),
        }
        self.registrations.insert(key, registration);
        self.present.insert((change.ident(), change.filter()), key);
        Ok(())
    }

    fn forget(&mut self, key: u64) {
        if let Some(gone) = self.registrations.remove(&key) {
            self.present.remove(&(gone.ident, gone.filter));
        }
    }

    /// What an epoll's event is to whoever asks the queue; nothing, if its registration is gone.
    pub(super) fn answer(&mut self, filter: i32, event: &EpollEvent) -> Option<Kevent> {
        let key = event.data();
        let registration = self.alive(key)?;
        debug_assert_eq!(registration.filter, filter);
        let answer = answer(&registration, event.events());
        self.told(key);
        Some(answer)
    }

    /// The next of the files that are always ready.
    pub(super) fn always_ready(&mut self) -> Option<Kevent> {
        while let Some(key) = self.always.pop_front() {
            if let Some(registration) = self.alive(key) {
                self.told(key);
                return Some(answer(&registration, EpollFlags::empty()));
            }
        }
        None
    }

    /// A registration that is enabled, and whose number has not been closed: closing ends a
    /// registration even if a duplicate keeps the file, and hence the epoll's entry, alive.
    fn alive(&mut self, key: u64) -> Option<Registration> {
        let registration = *self.registrations.get(&key)?;
        let number = i32::try_from(registration.ident).ok()?;
        if fcntl(sys::named(&number), FcntlArg::F_GETFD).is_err() {
            self.forget(key);
            return None;
        }
        (registration.state == State::Enabled).then_some(registration)
    }

    /// What a report does to a registration.
    fn told(&mut self, key: u64) {
        let Some(registration) = self.registrations.get_mut(&key) else {
            return;
        };
        if registration.sticky & EV_DISPATCH != 0 {
            registration.state = State::Disabled;
        }
        if registration.sticky & EV_ONESHOT != 0 {
            let gone = *registration;
            self.forget(key);
            if let Ok(number) = i32::try_from(gone.ident) {
                // A regular file is not in it.
                let _ = self.epoll(gone.filter).delete(sys::named(&number));
            }
        }
    }
}

/// What epoll is asked for. One that is disabled is asked for nothing, once: epoll tells hang-ups and
/// errors unasked.
fn asked(registration: &Registration) -> EpollFlags {
    let mut flags = match (registration.state, registration.filter) {
        (State::Disabled, _) => EpollFlags::EPOLLONESHOT,
        (_, EVFILT_READ) => EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP,
        _ => EpollFlags::EPOLLOUT,
    };
    if registration.sticky & EV_CLEAR != 0 {
        flags |= EpollFlags::EPOLLET;
    }
    if registration.sticky & (EV_ONESHOT | EV_DISPATCH) != 0 {
        flags |= EpollFlags::EPOLLONESHOT;
    }
    flags
}

fn is_pipe(number: &i32) -> Result<bool, Errno> {
    let mode = fstat(sys::named(number))?.st_mode;
    Ok(SFlag::from_bits_truncate(mode) & SFlag::S_IFMT == SFlag::S_IFIFO)
}

/// Whether nobody is at the other end of a pipe.
fn is_broken(number: &i32) -> Result<bool, Errno> {
    let mut watched = [PollFd::new(sys::named(number), PollFlags::empty())];
    poll(&mut watched, PollTimeout::ZERO)?;
    Ok(watched[0].any() == Some(true))
}
