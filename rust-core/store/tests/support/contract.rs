//! What every store promises, whatever it is made of.

use thalweg_store::{Head, Loaded, Record, Store, StoreError};

use super::table;

/// Checks all promises on a store that holds nothing yet.
pub fn holds(store: &dyn Store) {
    tables_are_kept_and_forgotten(store);
    older_epochs_are_fenced(store);
    epochs_only_rise(store);
    ledger_keeps_order(store);
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
    assert_eq!(store.next_epoch("rising"), Ok(1));
    assert_eq!(store.next_epoch("rising"), Ok(2));
    store.publish(&table("rising", 40, 1)).unwrap();
    assert_eq!(store.next_epoch("rising"), Ok(41));
    store.publish(&table("rising", 50, 1)).unwrap();
    store.remove("rising").unwrap();
    assert_eq!(store.next_epoch("rising"), Ok(51), "removal does not turn epochs back");
}

fn ledger_keeps_order(store: &dyn Store) {
    assert_eq!(store.records(0, 10), Ok(vec![]));
    for seq in 1..=5u64 {
        assert_eq!(store.append_record(&format!(r#"{{"n":{seq}}}"#)), Ok(seq));
    }
    let expected: Vec<Record> =
        (3..=4).map(|seq| Record { seq, json: format!(r#"{{"n":{seq}}}"#) }).collect();
    assert_eq!(store.records(2, 2), Ok(expected));
    assert_eq!(store.records(5, 10), Ok(vec![]));
    assert_eq!(store.records(u64::MAX, 10), Ok(vec![]));
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
    assert_eq!(store.next_epoch("a}b").unwrap_err().code(), "STORE_INVALID_TABLE");
    assert_eq!(store.append_record("{").unwrap_err().code(), "STORE_NOT_JSON");
    assert_eq!(store.table("bad"), Ok(None));
}
