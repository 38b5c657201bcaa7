//! Patterns of names, as users write them: `*` stands for any characters, `?` for one.

use serde::{Deserialize, Serialize};

/// What names have to look like.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    /// A pattern of this text.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The pattern that every name fits.
    pub fn any() -> Self {
        Self("*".to_owned())
    }

    /// Whether every name fits.
    pub fn is_any(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte == b'*')
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a name fits.
    pub fn fits(&self, name: &str) -> bool {
        let (pattern, name): (Vec<char>, Vec<char>) =
            (self.0.chars().collect(), name.chars().collect());
        let (mut at, mut seen) = (0, 0);
        // The last star, and how much of the name it stands for so far.
        let mut star: Option<(usize, usize)> = None;
        while seen < name.len() {
            match pattern.get(at) {
                Some('*') => {
                    star = Some((at, seen));
                    at += 1;
                }
                Some(&one) if one == '?' || one == name[seen] => {
                    at += 1;
                    seen += 1;
                }
                _ => {
                    let Some((place, taken)) = star else { return false };
                    star = Some((place, taken + 1));
                    (at, seen) = (place + 1, taken + 1);
                }
            }
        }
        pattern[at..].iter().all(|one| *one == '*')
    }

    /// Whether the name or the id of something fits.
    pub fn fits_either(&self, name: &str, id: &str) -> bool {
        self.fits(name) || self.fits(id)
    }
}

/// Components of topologies: `TOPOLOGY/COMPONENT`, or `COMPONENT` of every topology.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The topologies, by their names or ids.
    pub topology: Pattern,
    /// The components, by their ids.
    pub component: Pattern,
}

impl Target {
    /// Reads a target; a component's own id may have slashes only where the topology is named.
    pub fn read(text: &str) -> Self {
        match text.split_once('/') {
            Some((topology, component)) => {
                Self { topology: Pattern::new(topology), component: Pattern::new(component) }
            }
            None => Self { topology: Pattern::any(), component: Pattern::new(text) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters_and_question_marks_for_one() {
        let cases = [
            ("*", "", true),
            ("*", "orders", true),
            ("orders", "orders", true),
            ("orders", "orders-1", false),
            ("orders-*", "orders-eu", true),
            ("*-eu", "orders-eu", true),
            ("o*r*s", "orders", true),
            ("o*x*s", "orders", false),
            ("order?", "orders", true),
            ("order?", "order", false),
            ("a*b*c", "aXbYbZc", true),
            ("*ü?", "grün", true),
            ("", "orders", false),
        ];
        for (pattern, name, fits) in cases {
            assert_eq!(Pattern::new(pattern).fits(name), fits, "{pattern} {name}");
        }
        assert!(Pattern::new(" ** ").is_any() && !Pattern::new("").is_any());
    }

    #[test]
    fn a_target_names_a_topology_or_means_all() {
        let target = Target::read("orders-*/split");
        assert_eq!((target.topology.as_str(), target.component.as_str()), ("orders-*", "split"));
        let target = Target::read("split");
        assert!(target.topology.is_any() && target.component.fits("split"));
    }
}
