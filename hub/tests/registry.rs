//! Who is registered: every refusal, and that a refusal changes nothing.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use eventlet_hub::Token;
use eventlet_hub::registry::Registry;

fn kind<T>(outcome: std::io::Result<T>) -> Result<(), ErrorKind> {
    outcome.map(drop).map_err(|error| error.kind())
}

#[test]
fn a_descriptor_and_a_slot_have_one_tenant() {
    let mut registry = Registry::new();
    registry.insert(5, Token::new(0, 0), ()).expect("free");
    let twice = ErrorKind::AlreadyExists;
    assert_eq!(kind(registry.insert(5, Token::new(1, 0), ())), Err(twice));
    assert_eq!(kind(registry.insert(6, Token::new(0, 0), ())), Err(twice));
    assert_eq!(kind(registry.insert(6, Token::new(0, 1), ())), Err(twice));
    assert_eq!(registry.len(), 1);
    assert_eq!(registry.by_descriptor(6), None);
    registry.insert(6, Token::new(1, 0), ()).expect("free");
}

#[test]
fn another_generation_is_somebody_else() {
    let mut registry = Registry::new();
    let (former, tenant) = (Token::new(3, 7), Token::new(3, 8));
    registry.insert(5, former, 'f').expect("free");
    assert_eq!(kind(registry.entry(tenant)), Err(ErrorKind::NotFound));
    assert_eq!(kind(registry.remove(tenant)), Err(ErrorKind::NotFound));
    assert_eq!(registry.remove(former).expect("registered").note, 'f');
    registry.insert(5, tenant, 't').expect("free again");
    assert_eq!(kind(registry.entry(former)), Err(ErrorKind::NotFound));
    assert_eq!(registry.by_descriptor(5), Some(tenant));
}

#[test]
fn what_was_never_there_is_not_found() {
    let mut registry = Registry::<()>::new();
    for token in [
        Token::new(0, 0),
        Token::new(Token::MAX_SLOT, 1),
        Token::WAKER,
    ] {
        assert_eq!(kind(registry.entry(token)), Err(ErrorKind::NotFound));
        assert_eq!(kind(registry.remove(token)), Err(ErrorKind::NotFound));
    }
    assert_eq!(registry.by_descriptor(-1), None);
    assert_eq!(registry.by_descriptor(i32::MAX), None);
    assert!(registry.is_empty());
}

#[test]
fn a_negative_number_is_no_descriptor() {
    let mut registry = Registry::new();
    let outcome = registry.insert(-1, Token::new(0, 0), ());
    assert_eq!(kind(outcome), Err(ErrorKind::InvalidInput));
    assert!(registry.is_empty());
}

#[test]
fn it_agrees_with_two_maps() {
    const STEPS: u64 = 20_000;
    let mut registry = Registry::new();
    let (mut by_slot, mut by_fd) = (BTreeMap::new(), BTreeMap::new());
    let mut state = 1_u64;
    for step in 0..STEPS {
        // A linear congruential generator (Knuth's MMIX) is random enough.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let fd = (state >> 33) as i32 % 40;
        let token = Token::new((state >> 40) as u32 % 40, (state >> 50) as u32 % 2);
        if state >> 63 == 0 {
            let free = !by_fd.contains_key(&fd) && !by_slot.contains_key(&token.slot());
            assert_eq!(registry.insert(fd, token, step).is_ok(), free);
            if free {
                by_fd.insert(fd, token);
                by_slot.insert(token.slot(), (token, fd, step));
            }
        } else {
            match by_slot.get(&token.slot()) {
                Some(&(tenant, fd, note)) if tenant == token => {
                    let entry = registry.remove(token).expect("registered");
                    assert_eq!((entry.fd, entry.note), (fd, note));
                    by_slot.remove(&token.slot());
                    by_fd.remove(&fd);
                }
                _ => assert!(registry.remove(token).is_err()),
            }
        }
        assert_eq!(registry.len(), by_slot.len());
        assert_eq!(registry.by_descriptor(fd), by_fd.get(&fd).copied());
    }
}
