//! Names within commands that somebody will copy.

use std::borrow::Cow;

/// A name as one word of a shell, whatever it is made of.
pub fn word(name: &str) -> Cow<'_, str> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.:@%+/".contains(letter);
    match !name.is_empty() && name.chars().all(plain) {
        true => Cow::Borrowed(name),
        false => Cow::Owned(format!("'{}'", name.replace('\'', "'\\''"))),
    }
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn a_shell_reads_a_name_and_nothing_else() {
        assert_eq!(word("words-1"), "words-1");
        assert_eq!(word("my job"), "'my job'");
        assert_eq!(word("a$(b)"), "'a$(b)'");
        assert_eq!(word("it's"), r"'it'\''s'");
        assert_eq!(word(""), "''");
    }
}
