//! A hub that does what another does, but for the calls that a test has ordered to fail.
//!
//! Which those are is the business of [`HubFaults`]; it stands here because the trait's `register`
//! is unsafe.

use std::io;
use std::time::Duration;

use eventlet_hub::fd::BorrowedFd;
use eventlet_hub::{Capabilities, Events, Hub, Interest, Token, Waker};

use crate::testing::{HubCall, HubFaults};

pub(crate) struct FailingHub {
    inner: Box<dyn Hub>,
    faults: HubFaults,
}

impl FailingHub {
    pub(crate) fn new(inner: Box<dyn Hub>, faults: HubFaults) -> Self {
        FailingHub { inner, faults }
    }
}

impl Hub for FailingHub {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    unsafe fn register(&mut self, fd: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        self.faults.check(HubCall::Register)?;
        // SAFETY: the caller's promise is handed on unchanged.
        unsafe { self.inner.register(fd, token) }
    }

    fn arm(&mut self, token: Token, interest: Interest) -> io::Result<()> {
        self.faults.check(HubCall::Arm)?;
        self.inner.arm(token, interest)
    }

    fn deregister(&mut self, token: Token) -> io::Result<()> {
        let outcome = self.inner.deregister(token);
        self.faults.check(HubCall::Deregister)?;
        outcome
    }

    fn deregister_closing(&mut self, token: Token) -> io::Result<()> {
        let outcome = self.inner.deregister_closing(token);
        self.faults.check(HubCall::Deregister)?;
        outcome
    }

    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.clear();
        self.faults.check(HubCall::Wait)?;
        self.inner.wait(events, timeout)
    }

    fn waker(&self) -> Waker {
        self.inner.waker()
    }
}
