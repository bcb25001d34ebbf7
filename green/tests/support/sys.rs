//! The few system calls that tests need and no safe binding offers.

use std::mem::ManuallyDrop;
use std::net::TcpStream as StdStream;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd};

/// A `std` view of a green stream's socket, which stays the green stream's.
pub struct Same<'a> {
    socket: ManuallyDrop<StdStream>,
    _lender: BorrowedFd<'a>,
}

/// See [`Same`].
pub fn same_socket(stream: &eventlet_green::net::TcpStream) -> Same<'_> {
    use std::os::fd::AsFd;
    let lender = stream.as_fd();
    // SAFETY: the number is open for as long as the borrow, and is not closed by this value.
    let socket = unsafe { StdStream::from_raw_fd(lender.as_raw_fd()) };
    Same {
        socket: ManuallyDrop::new(socket),
        _lender: lender,
    }
}

impl Deref for Same<'_> {
    type Target = StdStream;

    fn deref(&self) -> &StdStream {
        &self.socket
    }
}

impl DerefMut for Same<'_> {
    fn deref_mut(&mut self) -> &mut StdStream {
        &mut self.socket
    }
}

/// Forks; the child calls `f` and ends without unwinding or destructors, with what `f` gives as its
/// status. Gives the child's id.
pub fn fork(f: impl FnOnce() -> i32) -> libc::pid_t {
    // SAFETY: the child calls `f` and `_exit`; the callers pass what is fit for a forked child of
    // a process with threads (no allocation that another thread could hold the lock of).
    match unsafe { libc::fork() } {
        0 => {
            let status = f();
            // SAFETY: ends the process.
            unsafe { libc::_exit(status) }
        }
        child => {
            assert!(child > 0, "fork: {}", std::io::Error::last_os_error());
            child
        }
    }
}

/// Waits for a child process and gives its exit status; `None` if a signal ended it.
pub fn wait_for(child: libc::pid_t) -> Option<i32> {
    let mut status = 0;
    // SAFETY: writes into a valid place.
    let got = unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(got, child, "waitpid: {}", std::io::Error::last_os_error());
    libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
}

/// Whether a number is an open descriptor.
pub fn is_open(fd: i32) -> bool {
    // SAFETY: no pointer is passed.
    unsafe { libc::fcntl(fd, libc::F_GETFD) >= 0 }
}

/// Whether a descriptor is closed in a program that this process becomes.
pub fn is_close_on_exec(fd: i32) -> bool {
    // SAFETY: no pointer is passed.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC != 0
}

/// Lowers the number of descriptors this process may have.
pub fn limit_descriptors(most: u64) {
    let limit = libc::rlimit {
        rlim_cur: most as libc::rlim_t,
        rlim_max: most as libc::rlim_t,
    };
    // SAFETY: reads a valid structure.
    let outcome = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) };
    assert_eq!(outcome, 0, "{}", std::io::Error::last_os_error());
}

/// Writes to an address that nothing is mapped at.
pub fn fault_elsewhere() {
    let wild: *mut u8 = std::ptr::without_provenance_mut(0x10);
    // SAFETY: none: the fault is what the test is about, and ends the (child) process.
    unsafe { wild.write_volatile(1) };
}

/// Runs `f` on a thread that the C library starts, with no help of `std`'s, and waits for its end.
pub fn on_foreign_thread(f: fn()) {
    extern "C" fn start(argument: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: the argument is the function pointer that was passed below.
        let f: fn() = unsafe { std::mem::transmute(argument) };
        f();
        std::ptr::null_mut()
    }
    let mut thread = std::mem::MaybeUninit::uninit();
    // SAFETY: the place is valid, the attributes are the default, and `start` takes any pointer.
    let outcome = unsafe {
        libc::pthread_create(
            thread.as_mut_ptr(),
            std::ptr::null(),
            start,
            f as *mut libc::c_void,
        )
    };
    assert_eq!(outcome, 0);
    // SAFETY: it was started (checked), and is joined once.
    unsafe { libc::pthread_join(thread.assume_init(), std::ptr::null_mut()) };
}

/// Asks a process of the caller's to end (SIGTERM).
pub fn terminate(process: u32) {
    // SAFETY: no pointer is passed.
    let outcome = unsafe { libc::kill(process as libc::pid_t, libc::SIGTERM) };
    assert_eq!(outcome, 0, "{}", std::io::Error::last_os_error());
}

/// Keeps a signal from being delivered to the calling thread.
pub fn block_signal(signal: i32) {
    let mut signals = std::mem::MaybeUninit::uninit();
    // SAFETY: the set is made empty before it is used, and the old mask is not asked for.
    let outcome = unsafe {
        libc::sigemptyset(signals.as_mut_ptr());
        libc::sigaddset(signals.as_mut_ptr(), signal);
        libc::pthread_sigmask(libc::SIG_BLOCK, signals.as_ptr(), std::ptr::null_mut())
    };
    assert_eq!(outcome, 0);
}

/// Calls `f` in a coroutine that the package `may` is asked for, without this crate's knowledge.
#[cfg(feature = "engine-may")]
pub fn in_a_coroutine_of_may(f: impl FnOnce() + Send + 'static) {
    let builder = may::coroutine::Builder::new();
    // SAFETY: it runs here and now, on the one worker, and uses no thread-local value across a wait.
    let outcome = unsafe { builder.spawn_local(f) };
    outcome.unwrap();
}
