//! Which addresses of an `X-Forwarded-For` are believed.

use eventlet_protocols::wire::forwarded_for;
use http::{HeaderMap, HeaderValue};

fn believed(lines: &[&'static str], hops: usize) -> Vec<String> {
    let mut fields = HeaderMap::new();
    for line in lines {
        fields.append("x-forwarded-for", HeaderValue::from_static(line));
    }
    let addresses = forwarded_for(&fields, hops);
    addresses.iter().map(ToString::to_string).collect()
}

#[test]
fn as_many_from_the_end_as_there_are_trusted_hops() {
    let list = "1.1.1.1, 2.2.2.2,3.3.3.3";
    assert!(believed(&[list], 0).is_empty());
    assert_eq!(believed(&[list], 1), ["3.3.3.3"]);
    assert_eq!(believed(&[list], 2), ["2.2.2.2", "3.3.3.3"]);
    assert_eq!(believed(&[list], 3), ["1.1.1.1", "2.2.2.2", "3.3.3.3"]);
    assert_eq!(believed(&[list], usize::MAX).len(), 3);
    assert!(believed(&[], 2).is_empty());
}

#[test]
fn several_lines_are_one_list() {
    let lines = ["1.1.1.1, 2.2.2.2", "3.3.3.3", "4.4.4.4"];
    assert_eq!(believed(&lines, 3), ["2.2.2.2", "3.3.3.3", "4.4.4.4"]);
}

/// Beyond something unknown, nobody trusted has spoken.
#[test]
fn what_is_no_address_ends_the_belief() {
    assert_eq!(believed(&["1.1.1.1, unknown, 3.3.3.3"], 3), ["3.3.3.3"]);
    assert!(believed(&["1.1.1.1, "], 2).is_empty());
    assert!(believed(&["1.1.1.1, a.example"], 2).is_empty());
    assert!(believed(&["1.1.1.1 2.2.2.2"], 2).is_empty());
    assert!(believed(&["1.1.1.1, \"2.2.2.2\""], 2).is_empty());
    assert!(believed(&["1.1.1.1, 300.1.1.1"], 2).is_empty());
}

#[test]
fn addresses_of_both_versions_with_and_without_ports() {
    let list = "::1, [::2], [::3]:80, 4.4.4.4:80, 5.5.5.5";
    let plain = ["::1", "::2", "::3", "4.4.4.4", "5.5.5.5"];
    assert_eq!(believed(&[list], 5), plain);
}
