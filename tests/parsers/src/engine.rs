//! What an engine reads: snapshots, what lies in its store, what people, tools and shells ask of it.

use std::sync::LazyLock;

use thalweg_codec::{decode, encode};
use thalweg_control::envelope::{Envelope, SealedAnswer};
use thalweg_control::token::{Role, Token};
use thalweg_control::{Answer, Request};
use thalweg_engine::stored::{KEYS, reread};
use thalweg_store::{Stamped, Stored};

use crate::Then;

/// A snapshot that crossed from the JVM.
pub fn snapshot(bytes: &[u8]) -> Then<'_> {
    let observation = decode(bytes).ok()?;
    Some(Box::new(move || {
        let written = encode(&observation).expect("it came from a snapshot");
        // Written with each text once it may be so short that its texts take too much of it.
        if let Ok(again) = decode(&written) {
            assert!(again == observation, "{observation:?} is read as {again:?}");
            assert!(encode(&again).expect("as before") == written, "it has two encodings");
        }
    }))
}

/// A routing table: a line for each field of its maps, as `m`, `c`, `n` or `p`, field, `=` and value.
pub fn table(bytes: &[u8]) -> Then<'_> {
    let text = String::from_utf8_lossy(bytes);
    let mut stored = Stored::default();
    for line in text.lines() {
        let Some((map, (field, value))) =
            line.split_at_checked(1).and_then(|(map, rest)| Some((map, rest.split_once('=')?)))
        else {
            continue;
        };
        let map = match map {
            "m" => &mut stored.meta,
            "c" => &mut stored.components,
            "n" => &mut stored.nodes,
            "p" => &mut stored.ports,
            _ => continue,
        };
        map.insert(field.to_owned(), value.to_owned());
    }
    let loaded = stored.load("words-1").ok()?;
    Some(Box::new(move || {
        let again = Stored::of(&loaded.table).load("words-1").expect("it was just written");
        assert_eq!((again.table, again.dropped.len()), (loaded.table, 0));
    }))
}

/// What Redis keeps under a key of a leader's.
pub fn stamped(bytes: &[u8]) -> Then<'_> {
    let read = Stamped::read(bytes)?;
    Some(Box::new(move || assert!(bytes.ends_with(&read.bytes))))
}

/// What is stored of learned, actions, what operators said and orders, and the note of an action: the key of each by the
/// first byte.
pub fn stored(bytes: &[u8]) -> Then<'_> {
    let (first, bytes) = bytes.split_first()?;
    let key = KEYS[usize::from(*first) % KEYS.len()];
    let read = reread(key, bytes).ok()?;
    Some(Box::new(move || {
        let again = reread(key, &read).expect("it was just written");
        assert!(again == read, "{key}: {} is read as {}", shown(&read), shown(&again));
    }))
}

/// A request at the socket or in the shared store, also where it is signed and its token is known.
pub fn request(bytes: &[u8]) -> Then<'_> {
    let read = Request::read(bytes).ok()?;
    Some(Box::new(move || {
        let line = serde_json::to_vec(&read).expect("it is JSON");
        let again = Request::read(&line).expect("it was just written");
        assert_eq!(again, read);
    }))
}

static TOKEN: LazyLock<Token> = LazyLock::new(|| {
    Token::new("night", Role::Operator, &"n".repeat(32)).expect("it is long enough")
});

/// The envelope of a signed request, and that of an answer.
pub fn envelope(bytes: &[u8]) -> Then<'_> {
    let answer = serde_json::from_slice::<SealedAnswer>(bytes);
    drop(answer.map(|answer| answer.open("id", &TOKEN)));
    let meant = Envelope::is_meant(bytes);
    let read = Envelope::read(bytes).ok()?;
    // Nobody who fuzzes has the token.
    drop(read.open(std::slice::from_ref(&*TOKEN), 1_000_000).expect_err("it is not signed"));
    Some(Box::new(move || {
        assert!(meant, "it is an envelope");
        let line = serde_json::to_vec(&read).expect("it is JSON");
        assert_eq!(Envelope::read(&line).expect("it was just written"), read);
    }))
}

/// An engine's answer.
pub fn answer(bytes: &[u8]) -> Then<'_> {
    let read = Answer::read(bytes).ok()?;
    Some(Box::new(move || {
        let line = serde_json::to_vec(&read).expect("it is JSON");
        let again: Answer = serde_json::from_slice(&line).expect("it was just written");
        assert_eq!(again, read);
    }))
}

/// What a shell asks of the engine in its own process.
pub fn command(bytes: &[u8]) -> Then<'_> {
    let text = std::str::from_utf8(bytes).ok()?;
    drop(thalweg_engine::Request::read(text));
    None
}

fn shown(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
