//! Texts of others, made harmless where people read them.

use std::borrow::Cow;

use serde_json::Value;

/// The text with all signs written out that are not seen, or that move what stands around them.
///
/// Names come from whoever submits a topology. A terminal would take some of their signs for orders, and a line's end in a
/// name would let it write lines of its own into a log.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(moves) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if moves(letter) {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// The same for all texts of an answer, and for its keys.
pub fn all_visible(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(visible(&text).into_owned()),
        Value::Array(all) => Value::Array(all.into_iter().map(all_visible).collect()),
        Value::Object(all) => Value::Object(
            all.into_iter()
                .map(|(key, value)| (visible(&key).into_owned(), all_visible(value)))
                .collect(),
        ),
        other => other,
    }
}

/// Control signs, separators of lines, and those that turn the direction of writing.
fn moves(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn signs_that_move_something_are_written_out_and_all_others_stay() {
        assert_eq!(visible("wörter → 数える"), "wörter → 数える");
        assert_eq!(visible("a\nINFO all is well"), "a\\nINFO all is well");
        assert_eq!(visible("\u{1b}[2J\u{9b}31m"), "\\u{1b}[2J\\u{9b}31m");
        assert_eq!(visible("a\u{202e}b\u{2028}"), "a\\u{202e}b\\u{2028}");
        assert!(matches!(visible("split [1]"), Cow::Borrowed(_)));
    }

    #[test]
    fn so_are_those_within_answers() {
        let answer = json!({ "a\tb": ["c\u{7}", 1, null, { "d": "\r" }] });
        assert_eq!(all_visible(answer), json!({ "a\\tb": ["c\\u{7}", 1, null, { "d": "\\r" }] }));
    }
}
