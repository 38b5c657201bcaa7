//! The stored form of tables: nothing is lost, every change is noticed, nonsense never panics.
#![allow(clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use thalweg_core::model::TaskRange;
use thalweg_core::units::Timestamp;
use thalweg_store::{Change, Loaded, MAX_EPOCH, RoutingTable, Row, Stored};

type Parts = (u32, u32, String, Option<(String, u32)>, (String, u32));

/// Texts as nasty as node names get: spaces, quotes, brackets, control characters.
fn name() -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>(), 1..12).prop_map(|chars| chars.into_iter().collect())
}

fn tables() -> impl Strategy<Value = RoutingTable> {
    let place = || (name(), any::<u32>());
    let row = (0u32..5, 1u32..5, name(), proptest::option::of(place()), place());
    let rows = proptest::collection::vec(row, 0..20);
    (name(), 0..=MAX_EPOCH, any::<i64>(), rows).prop_map(|(plan, epoch, at, rows)| {
        let mut next = 1;
        let rows = rows.into_iter().map(|parts| row_after(&mut next, parts)).collect();
        RoutingTable::new(plan, "topology-1", epoch, Timestamp::from_millis(at), rows)
    })
}

fn row_after(next: &mut u32, (gap, tasks, component, before, after): Parts) -> Row {
    let first = *next + gap;
    *next = first + tasks;
    let (node, port) = before.unzip();
    Row {
        executor: TaskRange::new(first, *next - 1),
        component,
        node: Change::new(node, after.0),
        port: Change::new(port, after.1),
    }
}

proptest! {
    #[test]
    fn what_is_stored_is_read_back(table in tables()) {
        prop_assert_eq!(table.verify(), Ok(()));
        let json = serde_json::to_vec(&Stored::of(&table)).unwrap();
        let stored: Stored = serde_json::from_slice(&json).unwrap();
        prop_assert_eq!(stored.load("topology-1"), Ok(Loaded { table, dropped: vec![] }));
    }

    #[test]
    fn any_changed_row_changes_the_digest(table in tables(), pick: prop::sample::Index, field in 0..7) {
        prop_assume!(!table.rows.is_empty());
        let mut rows = table.rows.clone();
        let row = pick.get_mut(&mut rows);
        match field {
            0 => row.component.push('x'),
            1 => row.node.after.push('x'),
            2 => row.port.after ^= 1,
            3 => row.node.before = row.node.before.take().map_or(Some("x".into()), |_| None),
            4 => row.port.before = row.port.before.take().map_or(Some(0), |_| None),
            5 => row.executor.last += 1,
            _ => { let index = pick.index(rows.len()); rows.remove(index); }
        }
        let RoutingTable { plan, topology, epoch, at, .. } = table.clone();
        let other = RoutingTable::new(plan, topology, epoch, at, rows);
        prop_assert_ne!(other.digest, table.digest);
    }

    #[test]
    fn mutated_bytes_are_noticed_and_never_panic(
        table in tables(),
        hits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut json = serde_json::to_vec(&Stored::of(&table)).unwrap();
        for (place, byte) in hits {
            *place.get_mut(&mut json) = byte;
        }
        let Ok(stored) = serde_json::from_slice::<Stored>(&json) else { return Ok(()) };
        let Ok(loaded) = stored.load("topology-1") else { return Ok(()) };
        prop_assert_eq!(loaded.table.verify(), Ok(()));
        // Whole and accepted means unchanged; a row that was hit is reported.
        if loaded.dropped.is_empty() {
            prop_assert_eq!(loaded.table, table);
        }
    }
}

#[test]
fn bad_rows_are_dropped_with_their_reasons() {
    let table = support::table("topology-1", 3, 6);
    let mut stored = Stored::of(&table);
    stored.nodes.insert("[1-2]".into(), "garbage".into());
    stored.ports.insert("[3-4]".into(), "[6700]".into());
    stored.components.remove("[5-6]");
    stored.nodes.insert("[7-8]".into(), r#"[null,""]"#.into());
    stored.ports.insert("seven".into(), "[null,1]".into());

    let loaded = stored.load("topology-1").unwrap();
    let dropped: Vec<&str> = loaded.dropped.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(dropped, ["[1-2]", "[3-4]", "[5-6]", "[7-8]", "seven"]);
    assert_eq!(loaded.dropped[2].reason, "has no component");
    assert_eq!(loaded.table.rows, table.rows[4..]);
    assert_eq!(loaded.table.verify(), Ok(()));
}

#[test]
fn another_layout_is_not_guessed_at() {
    let mut stored = Stored::of(&support::table("topology-1", 3, 2));
    stored.meta.insert("layout".into(), "2".into());
    let refused = stored.load("topology-1");
    assert_eq!(refused, Err("layout is 2, this version reads 1".into()));
}
