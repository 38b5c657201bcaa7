//! What a login module's line says: `Module required key="value" …;`, as Java reads it.

use std::collections::BTreeMap;

/// The module's class without its package, and its options.
#[derive(Debug, PartialEq, Eq)]
pub struct Login {
    /// `PlainLoginModule`, `ScramLoginModule` and others.
    pub module: String,
    /// What is set behind it.
    pub options: BTreeMap<String, String>,
}

impl Login {
    /// Reads one; nothing where it is none.
    pub fn read(line: &str) -> Option<Self> {
        let mut words = words(line)?.into_iter();
        let module = words.next()?;
        let module = module.rsplit('.').next()?.to_owned();
        // Whether a login is required makes no difference where there is one.
        words.next()?;
        let mut options = BTreeMap::new();
        while let Some(key) = words.next() {
            if key == ";" {
                return Some(Self { module, options });
            }
            words.next().filter(|sign| sign == "=")?;
            options.insert(key, words.next()?);
        }
        None
    }
}

/// Words, quoted texts, and the signs `=` and `;`, each by itself.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter.is_whitespace() => {}
            '=' | ';' => words.push(letter.to_string()),
            quote @ ('"' | '\'') => words.push(quoted(&mut letters, quote)?),
            letter => {
                let mut word = letter.to_string();
                while let Some(more) = letters.next_if(|c| !c.is_whitespace() && !"=;".contains(*c))
                {
                    word.push(more);
                }
                words.push(word);
            }
        }
    }
    Some(words)
}

/// What stands before the closing quote; a backslash keeps the next letter.
fn quoted(letters: &mut impl Iterator<Item = char>, quote: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match letters.next()? {
            '\\' => text.push(letters.next()?),
            letter if letter == quote => return Some(text),
            letter => text.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(line: &str) -> Option<String> {
        Login::read(line)?.options.remove("password")
    }

    #[test]
    fn options_are_read_however_they_are_quoted() {
        let plain = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"a\" password=";
        for (written, meant) in [
            (r#""b=c;d";"#, "b=c;d"),
            (r#""b\"c\\";"#, r#"b"c\"#),
            ("'b c' ;", "b c"),
            ("bare;", "bare"),
            ("\"\";", ""),
        ] {
            assert_eq!(password(&format!("{plain}{written}")).as_deref(), Some(meant), "{written}");
        }
        let login = Login::read("ScramLoginModule required mypassword = \"x\" password = \"y\";");
        let login = login.expect("a login");
        assert_eq!((login.module.as_str(), &*login.options["password"]), ("ScramLoginModule", "y"));
    }

    #[test]
    fn what_is_none_is_none() {
        for line in
            ["", "Module", "Module required a", "Module required a=\"b\"", "M required a \"b\";"]
        {
            assert_eq!(Login::read(line), None, "{line}");
        }
    }
}
