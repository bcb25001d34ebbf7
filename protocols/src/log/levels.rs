//! How much is logged of which part of a program.

use log::{Level, LevelFilter};

/// A level for everything, and others for parts, by the beginning of their targets.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    others: LevelFilter,
    /// The longest targets first, so that the first that fits is the nearest.
    targets: Vec<(Box<str>, LevelFilter)>,
}

impl Levels {
    pub(super) fn new(others: LevelFilter) -> Self {
        Levels {
            others,
            targets: Vec::new(),
        }
    }

    /// Sets the level of a target and what is below it; of everything else, if it is empty.
    pub(super) fn set(&mut self, target: &str, level: LevelFilter) {
        if target.is_empty() {
            self.others = level;
            return;
        }
        self.targets.retain(|(name, _)| **name != *target);
        let longer = |(name, _): &(Box<str>, LevelFilter)| name.len() >= target.len();
        let place = self.targets.partition_point(longer);
        self.targets.insert(place, (target.into(), level));
    }

    pub(super) fn allow(&self, target: &str, level: Level) -> bool {
        let mut targets = self.targets.iter();
        let found = targets.find(|(name, _)| is_within(target, name));
        level <= found.map_or(self.others, |(_, level)| *level)
    }

    /// The most that anything may say.
    pub(super) fn most(&self) -> LevelFilter {
        let targets = self.targets.iter().map(|(_, level)| *level);
        targets.fold(self.others, Ord::max)
    }
}

/// Whether a module's path is that of a module or of one within it.
fn is_within(target: &str, module: &str) -> bool {
    let rest = target.strip_prefix(module);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
