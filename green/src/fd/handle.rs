//! The handles to a watched descriptor: who owns it, and what happens when the last of them goes.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::rc::Rc;

use eventlet_hub::Source;

use super::errors::closed;
use super::{End, Watched};

/// A handle to a watched descriptor: it is closed when the last one is dropped.
pub(crate) struct Shared<S: Source + 'static>(pub(super) Rc<Watched<S>>);

impl<S: Source + 'static> Shared<S> {
    /// The wrapped object back, if this is the only handle; else `ResourceBusy`.
    pub(crate) fn release(self) -> io::Result<S> {
        if self.0.handles.get() > 1 {
            let text = "other handles to this descriptor are in use";
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
        }
        if self.0.closed.get() {
            return Err(closed());
        }
        self.0.deregister(End::Released);
        let watched = Rc::clone(&self.0);
        drop(self);
        match Rc::try_unwrap(watched) {
            Ok(watched) => Ok(watched.source),
            Err(_) => {
                let text = "the run loop had a call queued for this descriptor; yield once before converting it";
                Err(io::Error::new(io::ErrorKind::ResourceBusy, text))
            }
        }
    }
}

impl<S: Source + 'static> Clone for Shared<S> {
    fn clone(&self) -> Self {
        self.0.handles.set(self.0.handles.get() + 1);
        Shared(Rc::clone(&self.0))
    }
}

impl<S: Source + 'static> Deref for Shared<S> {
    type Target = Rc<Watched<S>>;

    fn deref(&self) -> &Rc<Watched<S>> {
        &self.0
    }
}

impl<S: Source + 'static> Drop for Shared<S> {
    fn drop(&mut self) {
        let left = self.0.handles.get() - 1;
        self.0.handles.set(left);
        if left == 0 {
            self.0.deregister(End::LastHandle);
        }
    }
}

impl<S: Source + fmt::Debug + 'static> fmt::Debug for Shared<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source.fmt(f)
    }
}
