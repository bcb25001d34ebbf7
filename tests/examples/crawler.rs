//! `crawler`: finds every page of its own sites, level by level.

use crate::support::{Program, assert_refusal, under_each_hub};

#[test]
fn finds_all_pages_breadth_first() {
    under_each_hub("crawler", "finds_all_pages_breadth_first", |hub| {
        let lines = Program::start("crawler", hub, &["3"]).end();
        // From page 0: one to the next site, two downward. Three pages on each of four sites, with
        // three links each; pages 3 to 6 of each site are linked to and not there.
        assert_eq!(lines[0], "level 0: 1 links to follow");
        assert_eq!(lines[1], "level 1: 3 links to follow");
        let sum = lines.last().unwrap();
        assert!(
            sum.starts_with("12 pages, 36 links, 16 broken, in "),
            "{sum}"
        );
        // Every link is followed once: each page, and each that is not there.
        let followed = lines[..lines.len() - 1].iter().map(|line| {
            let count = line.split(' ').nth(2).unwrap();
            count.parse::<u32>().unwrap()
        });
        assert_eq!(followed.sum::<u32>(), 12 + 16);
    });
}

#[test]
fn a_number_that_is_none_is_refused() {
    under_each_hub("crawler", "a_number_that_is_none_is_refused", |hub| {
        assert_refusal("crawler", hub, &["many"], "many: invalid digit");
        assert_refusal("crawler", "kq", &[], "EVENTLET_HUB");
    });
}
