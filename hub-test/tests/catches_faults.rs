//! Each hub that is wrong on purpose fails the areas it should, and no other.

use std::collections::BTreeSet;
use std::time::Duration;

use eventlet_hub_test::{Area, Broken, Fault, Subject, failures};

/// Each case of a broken hub may take this long; a sound one answers within a millisecond or two.
const PATIENCE: Duration = Duration::from_millis(500);

/// Runs the whole suite against a hub with `fault`, and compares the areas that fail.
fn caught_by(fault: Fault, expected: &[Area]) {
    let subject = Subject::new(move || Broken::new(fault)).with_patience(PATIENCE);
    let mut report = String::new();
    let mut caught = BTreeSet::new();
    for area in Area::ALL {
        for failure in failures(area, &subject) {
            caught.insert(area);
            report += &format!("  {area:?}::{}: {}\n", failure.case, failure.message);
        }
    }
    let expected: BTreeSet<_> = expected.iter().copied().collect();
    assert_eq!(caught, expected, "{fault:?} was caught by:\n{report}");
}

macro_rules! faults {
    ($($name:ident: $fault:ident => [$($area:ident),*];)*) => {
        $(
            #[test]
            fn $name() {
                caught_by(Fault::$fault, &[$(Area::$area),*]);
            }
        )*
    };
}

faults! {
    no_fault: None => [];
    dropped_hang_ups: DropsHangUp => [HangUp, Errors, Random];
    lost_overflow: LosesOverflow => [Many, Batches, Random];
    unfair_batches: Unfair => [Batches];
    stale_tokens: StaleToken => [Registration, Changes, Reuse, Random];
    timeouts_rounded_down: RoundsDown => [Timeouts];
    a_deadline_kept: KeepsDeadline => [Timeouts, Signals];
    lost_wake_ups: LosesWake => [WakeUp, Signals];
    endless_wake_ups: StaysWoken => [WakeUp];
    a_descriptor_accepted_twice: AcceptsTwice => [Registration, Errors];
    waits_ended_by_signals: EndsOnSignal => [Signals];
    waits_restarted_by_signals: RestartsOnSignal => [Signals];
    facts_split: SplitsFacts => [Readiness];
    arming_that_lasts: StaysArmed => [Readiness, HangUp, Many, Batches, Random];
    one_direction_at_a_time: OneDirection => [Readiness, Random];
    work_in_a_child: WorksInChild => [Fork];
    a_descriptor_that_survives_exec: SurvivesExec => [Fork];
}
