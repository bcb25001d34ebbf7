//! The form of [`select()`](crate::select()) with arms.

/// Waits for whichever of several operations comes first, and goes on in its arm.
///
/// ```text
/// select! {
///     PATTERN = OPERATION => ARM,        any number of them
///     timeout(DURATION) => ARM,          or, in its place
///     default => ARM,                    last, if at all
/// }
/// ```
///
/// An operation is an expression that makes one, or a `&mut` of one that is kept: then a value that
/// was not sent is still in it. The pattern, which cannot fail to match, is given the outcome. All
/// operations are dropped before the arm is entered; it stands in the caller's own code, so it can
/// use `?`, `break` and `return`.
///
/// Without `timeout` and `default` it waits as long as it takes; with `default` it does not wait.
/// Among several that can be done at once it picks as [`select()`](crate::select()) does.
///
/// The value is that of the arm, in an `Ok`; an error if it would have to wait and cannot.
///
/// # Errors
///
/// As for [`select()`](crate::select()).
///
/// # Panics
///
/// As for [`select()`](crate::select()).
///
/// # Examples
///
/// ```
/// use eventlet_green::{channel, select, spawn};
/// use std::time::Duration;
///
/// let (numbers, number) = channel::bounded(1);
/// let (stop, stopped) = channel::rendezvous::<()>();
/// let adding = spawn(move || -> Result<u32, eventlet_green::ParkError> {
///     let mut sum = 0;
///     loop {
///         select! {
///             next = number.receiving() => sum += next.unwrap_or(0),
///             _ = stopped.receiving() => return Ok(sum),
///             timeout(Duration::from_secs(60)) => panic!("nobody comes"),
///         }?;
///     }
/// });
/// numbers.send(3)?;
/// numbers.send(4)?;
/// stop.send(())?;
/// assert_eq!(adding.join()??, 7);
///
/// // A value that nobody takes is kept.
/// let (offers, _offer) = channel::rendezvous();
/// let mut offer = offers.sending("for nobody");
/// let taken = select! {
///     _ = &mut offer => true,
///     default => false,
/// }?;
/// assert!(!taken);
/// assert_eq!(offer.into_value(), Some("for nobody"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[macro_export]
macro_rules! select {
    // The last arm: each is `@arms [those read] rest`.
    (@arms [$($arms:tt)*]) => {
        $crate::select!(@run [$($arms)*] {
            ::std::unreachable!("one of the operations was chosen")
        } |operations| $crate::select(operations).map(|_| ()))
    };
    (@arms [$($arms:tt)*] timeout($limit:expr) => $arm:expr $(,)?) => {
        $crate::select!(@run [$($arms)*] { $arm }
            |operations| $crate::select_timeout(operations, $limit).map(|_| ()))
    };
    (@arms [$($arms:tt)*] default => $arm:expr $(,)?) => {
        $crate::select!(@run [$($arms)*] { $arm } |operations| {
            $crate::try_select(operations);
            ::std::result::Result::<(), $crate::ParkError>::Ok(())
        })
    };
    // One more arm. Each step has an `operation` of its own: that is the hygiene of macros.
    (@arms [$($arms:tt)*] $outcome:pat = $operation:expr => $arm:block $(,)?) => {
        $crate::select!(@arms [$($arms)* (operation, $outcome, $operation, $arm)])
    };
    (@arms [$($arms:tt)*] $outcome:pat = $operation:expr => $arm:block, $($rest:tt)+) => {
        $crate::select!(@arms [$($arms)* (operation, $outcome, $operation, $arm)] $($rest)+)
    };
    (@arms [$($arms:tt)*] $outcome:pat = $operation:expr => $arm:block $($rest:tt)+) => {
        $crate::select!(@arms [$($arms)* (operation, $outcome, $operation, $arm)] $($rest)+)
    };
    (@arms [$($arms:tt)*] $outcome:pat = $operation:expr => $arm:expr $(,)?) => {
        $crate::select!(@arms [$($arms)* (operation, $outcome, $operation, $arm)])
    };
    (@arms [$($arms:tt)*] $outcome:pat = $operation:expr => $arm:expr, $($rest:tt)+) => {
        $crate::select!(@arms [$($arms)* (operation, $outcome, $operation, $arm)] $($rest)+)
    };
    (@run [$(($name:ident, $outcome:pat, $operation:expr, $arm:expr))*] $last:block
        |$operations:ident| $wait:expr) => {{
        // The operations are gone before an arm is entered; their outcomes have their names.
        let (waited, $($name),*) = {
            $(let mut $name = $operation;)*
            let waited = {
                let $operations: &mut [&mut dyn $crate::Selectable] = &mut [$(&mut $name),*];
                $wait
            };
            (waited, $($crate::Operation::take(&mut $name)),*)
        };
        match waited {
            ::std::result::Result::Err(error) => ::std::result::Result::Err(error),
            ::std::result::Result::Ok(()) => {
                #[allow(unreachable_code)] // Where every arm leaves.
                ::std::result::Result::Ok(
                    $(if let ::std::option::Option::Some(outcome) = $name {
                        let $outcome = outcome;
                        $arm
                    } else)* $last
                )
            }
        }
    }};
    (@$($unknown:tt)*) => {
        ::std::compile_error!(
            "select! takes `PATTERN = OPERATION => ARM` and, last, `timeout(DURATION) => ARM` or \
             `default => ARM`"
        )
    };
    ($($arms:tt)*) => {
        $crate::select!(@arms [] $($arms)*)
    };
}
