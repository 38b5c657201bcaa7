//! Which topics a source reads.

use regex::Regex;

/// Topics by name, or by a pattern, as spouts have both.
#[derive(Debug, Clone)]
pub enum Topics {
    /// These.
    Named(Vec<String>),
    /// All whose whole name is matched, at each look.
    Matching(Regex),
}

impl Topics {
    /// These topics.
    pub fn named<T: Into<String>>(topics: impl IntoIterator<Item = T>) -> Self {
        Self::Named(topics.into_iter().map(Into::into).collect())
    }

    /// What a spout tells of them: their names with commas between, or its pattern. What has letters that no topic has is a
    /// pattern.
    ///
    /// # Errors
    /// When it is a pattern that cannot be read here: Java knows some that look around.
    pub fn told(text: &str) -> Result<Self, String> {
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        if names.iter().all(|name| is_name(name)) {
            return Ok(Self::named(names));
        }
        let whole = Regex::new(&format!("^(?:{text})$"));
        whole
            .map(Self::Matching)
            .map_err(|_| "its pattern of topics can be read by Java only".to_owned())
    }
}

/// Whether a topic may have this name.
fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && name.bytes().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_patterns_are_told_apart_by_their_letters() {
        let named = |text| match Topics::told(text) {
            Ok(Topics::Named(names)) => Some(names),
            _ => None,
        };
        assert_eq!(named("lines"), Some(vec!["lines".to_owned()]));
        assert_eq!(named("a.b_c-1, lines"), Some(vec!["a.b_c-1".to_owned(), "lines".to_owned()]));
        let matches = |text, name: &str| match Topics::told(text) {
            Ok(Topics::Matching(pattern)) => Some(pattern.is_match(name)),
            _ => None,
        };
        assert_eq!(matches("lines-[0-9]+", "lines-12"), Some(true));
        assert_eq!(matches("lines-[0-9]+", "old-lines-12"), Some(false));
        assert_eq!(matches("a|b", "ab"), Some(false), "the whole name");
        assert_eq!(matches("", ""), Some(true));
        assert!(Topics::told("(?!old).*").is_err_and(|why| why.contains("Java")));
    }
}
