//! What every store promises, whatever it is made of.

use thalweg_store::{Head, Loaded, MAX_TERM, Stamped, Store, StoreError, TERM_SHIFT};

use super::table;

/// Checks all promises on a store that holds nothing yet.
pub fn holds(store: &dyn Store) {
    tables_are_kept_and_forgotten(store);
    older_epochs_are_fenced(store);
    epochs_only_rise(store);
    epochs_carry_their_term(store);
    terms_only_rise(store);
    later_terms_rule_stamped_state(store);
    state_is_kept(store);
    bad_input_is_refused(store);
}

fn tables_are_kept_and_forgotten(store: &dyn Store) {
    assert_eq!(store.table("kept"), Ok(None));
    assert_eq!(store.head("kept"), Ok(None));
    let first = table("kept", 1, 30);
    store.publish(&first).unwrap();
    store.publish(&first).expect("the same table again is fine");
    let smaller = table("kept", 2, 10);
    store.publish(&smaller).unwrap();

    let head = Head { epoch: 2, digest: smaller.digest.clone() };
    assert_eq!(store.head("kept"), Ok(Some(head)));
    let loaded = Loaded { table: smaller, dropped: vec![] };
    assert_eq!(store.table("kept"), Ok(Some(loaded)), "no row of the older table may show");
    assert_eq!(store.tables(), Ok(vec!["kept".to_owned()]));

    let bare = table("bare", 1, 0);
    store.publish(&bare).unwrap();
    assert_eq!(store.table("bare").unwrap().unwrap().table, bare);
    for topology in ["bare", "kept", "never"] {
        store.remove(topology).unwrap();
    }
    assert_eq!(store.tables(), Ok(vec![]));
    assert_eq!(store.table("kept"), Ok(None));
}

fn older_epochs_are_fenced(store: &dyn Store) {
    store.publish(&table("fenced", 7, 3)).unwrap();
    for (got, rows) in [(6, 3), (7, 4)] {
        let refused = store.publish(&table("fenced", got, rows)).unwrap_err();
        let topology = "fenced".to_owned();
        assert_eq!(refused, StoreError::Fenced { topology, stored: 7, got });
        assert_eq!(refused.code(), "STORE_FENCED");
    }
    assert_eq!(store.table("fenced").unwrap().unwrap().table, table("fenced", 7, 3));
}

fn epochs_only_rise(store: &dyn Store) {
    let first = store.next_epoch("rising", 0).unwrap();
    assert_eq!(store.next_epoch("rising", 0), Ok(first + 1));
    store.publish(&table("rising", 40, 1)).unwrap();
    assert_eq!(store.next_epoch("rising", 0), Ok(41));
    store.publish(&table("rising", 50, 1)).unwrap();
    store.remove("rising").unwrap();
    assert_eq!(store.next_epoch("rising", 0), Ok(51), "removal does not turn epochs back");
}

fn epochs_carry_their_term(store: &dyn Store) {
    const RANGE: u64 = 1 << TERM_SHIFT;
    let early = store.next_epoch("led", 0).unwrap();
    assert_eq!(early >> TERM_SHIFT, 0);
    assert_eq!(store.next_epoch("led", 2), Ok(2 * RANGE));
    assert_eq!(store.next_epoch("led", 2), Ok(2 * RANGE + 1));
    let deposed = |stored, got| StoreError::Deposed { key: "led".into(), stored, got };
    assert_eq!(store.next_epoch("led", 1), Err(deposed(2, 1)), "given is enough");
    assert_eq!(store.next_epoch("led", 1).unwrap_err().code(), "STORE_DEPOSED");

    store.publish(&table("led", 4 * RANGE + 9, 1)).unwrap();
    assert_eq!(store.next_epoch("led", 3), Err(deposed(4, 3)), "stored is, too");
    assert_eq!(store.next_epoch("led", 4), Ok(4 * RANGE + 10));
    store.remove("led").unwrap();
    assert_eq!(store.next_epoch("led", 3), Err(deposed(4, 3)), "and removed");

    store.publish(&table("led", 6 * RANGE - 1, 1)).unwrap();
    assert_eq!(store.next_epoch("led", 5), Err(deposed(6, 5)), "its epochs are spent");
    store.remove("led").unwrap();
    assert_eq!(store.next_epoch("led", MAX_TERM + 1).unwrap_err().code(), "STORE_TERM_TOO_LARGE");
}

fn terms_only_rise(store: &dyn Store) {
    let first = store.begin_term(0).unwrap();
    assert_eq!(store.begin_term(0), Ok(first + 1));
    assert_eq!(store.begin_term(first), Ok(first + 2), "a term is given once");
    assert_eq!(store.begin_term(100), Ok(100));
    assert_eq!(store.begin_term(7), Ok(101));
    let refused = store.begin_term(MAX_TERM + 1);
    assert_eq!(refused, Err(StoreError::TermTooLarge(MAX_TERM + 1)));
    assert_eq!(store.begin_term(0), Ok(102), "a refusal spoils nothing");
}

fn later_terms_rule_stamped_state(store: &dyn Store) {
    let kept = |term, bytes: &[u8]| Ok(Some(Stamped { term, bytes: bytes.to_vec() }));
    assert_eq!(store.stamped("action"), Ok(None));
    store.put_stamped("action", 3, b"\x00 1 2 \n\xff").unwrap();
    assert_eq!(store.stamped("action"), kept(3, b"\x00 1 2 \n\xff"));
    store.put_stamped("action", 3, b"same term").unwrap();
    store.put_stamped("action", 5, b"later").unwrap();
    let deposed = StoreError::Deposed { key: "action".into(), stored: 5, got: 4 };
    assert_eq!(store.put_stamped("action", 4, b"earlier"), Err(deposed.clone()));
    assert_eq!(store.stamped("action"), kept(5, b"later"));

    store.put_stamped("action", 5, b"").unwrap();
    assert_eq!(store.stamped("action"), kept(5, b""), "forgotten, but not its term");
    assert_eq!(store.put_stamped("action", 4, b"earlier"), Err(deposed));
    store.put_stamped("other", 1, b"each key has its own").unwrap();
    assert_eq!(store.stamped("other"), kept(1, b"each key has its own"));
    let refused = store.put_stamped("other", MAX_TERM + 1, b"");
    assert_eq!(refused, Err(StoreError::TermTooLarge(MAX_TERM + 1)));
}

fn state_is_kept(store: &dyn Store) {
    assert_eq!(store.state("model/a"), Ok(None));
    store.put_state("model/a", b"\x00\xffold").unwrap();
    store.put_state("model/a", b"\x00\xffnew").unwrap();
    store.put_state("model/b", b"").unwrap();
    assert_eq!(store.state("model/a"), Ok(Some(b"\x00\xffnew".to_vec())));
    assert_eq!(store.state_keys(), Ok(vec!["model/a".to_owned(), "model/b".to_owned()]));
}

fn bad_input_is_refused(store: &dyn Store) {
    let mut changed = table("bad", 1, 2);
    changed.rows[0].port.after += 1;
    assert_eq!(store.publish(&changed).unwrap_err().code(), "STORE_INVALID_TABLE");
    assert_eq!(store.next_epoch("a}b", 0).unwrap_err().code(), "STORE_INVALID_TABLE");
    assert_eq!(store.table("bad"), Ok(None));
}
