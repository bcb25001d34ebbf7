//! Which hubs a test goes through that is for each: all there are, or those of the environment.

use crate::hubs;

/// The environment variable that narrows "each hub" to some, separated by commas: to look at one that
/// fails, or where a tool makes everything slow. See [the module](super).
pub const HUBS_VARIABLE: &str = "EVENTLET_TEST_HUBS";

/// # Panics
///
/// If the environment asks for a hub that is not there: a test that goes through none would pass.
pub(super) fn each_hub() -> Vec<String> {
    let there: Vec<String> = hubs().map(str::to_owned).collect();
    let Some(wanted) = std::env::var(HUBS_VARIABLE)
        .ok()
        .filter(|wanted| !wanted.is_empty())
    else {
        return there;
    };
    let wanted: Vec<String> = wanted
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    if let Some(missing) = wanted.iter().find(|name| !there.contains(name)) {
        let there = there.join(", ");
        panic!("{HUBS_VARIABLE}: there is no hub {missing:?} in this program; there are: {there}");
    }
    wanted
}
