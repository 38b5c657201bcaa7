//! Reads which module of a crate takes names from which other one.
//!
//! This is no Rust parser. It knows how sources here look after `cargo fmt`: modules in files, unit tests at
//! a file's end, comments on lines of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A path of names, as `["crate", "model", "Node"]`.
type Names = Vec<String>;

/// One source file, without comments and tests.
#[derive(Debug, Default)]
struct Module {
    /// What it imports, by the name it has here; several `*` may stand side by side.
    uses: Vec<(String, Names)>,
    /// Other paths in its code that begin with `crate`, `super` or another crate of ours.
    paths: Vec<Names>,
}

/// The modules of one crate, by their path; the crate's root has none.
#[derive(Debug, Default)]
pub struct Crate {
    modules: BTreeMap<Names, Module>,
}

/// From which module to which.
pub type Arrow = (String, String);

impl Crate {
    /// Reads all files of a crate's `src` folder.
    pub fn read(src: &Path) -> Self {
        let mut found = Vec::new();
        gather(src, &mut Vec::new(), &mut found);
        Self::of(found.iter().map(|(path, text)| (path.as_str(), text.as_str())))
    }

    /// The crate of these modules, each named as `a::b`, and its text.
    pub fn of<'a>(modules: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Self {
        let names = |path: &str| -> Names {
            path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        let mut tests: BTreeSet<Names> = BTreeSet::new();
        for (path, text) in modules.clone() {
            tests.extend(test_modules(text).map(|name| [names(path), vec![name]].concat()));
        }
        let of_tests = |path: &Names| tests.iter().any(|test| path.starts_with(test));
        let modules = modules.map(|(path, text)| (names(path), Module::of(text)));
        Self { modules: modules.filter(|(path, _)| !of_tests(path)).collect() }
    }

    /// The names of its outermost modules.
    pub fn outermost(&self) -> BTreeSet<&str> {
        self.modules.keys().filter_map(|path| Some(path.first()?.as_str())).collect()
    }

    /// Which module takes names from which other one of the crate.
    pub fn arrows(&self) -> BTreeSet<Arrow> {
        let mut arrows = BTreeSet::new();
        for (path, module) in &self.modules {
            let imported = module.uses.iter().map(|(_, names)| names);
            for names in imported.chain(&module.paths) {
                if let Some(home) = self.home(path, names, 0).filter(|home| home != path) {
                    arrows.insert((path.join("::"), home.join("::")));
                }
            }
        }
        arrows
    }

    /// The other crates of this workspace that its sources name.
    pub fn crates(&self) -> BTreeSet<String> {
        let all = self.modules.values().flat_map(|module| {
            let imported = module.uses.iter().map(|(_, names)| names);
            imported.chain(&module.paths).filter_map(|names| names.first())
        });
        all.filter(|name| name.starts_with("thalweg_")).cloned().collect()
    }

    /// The module that defines what a path names, where that is one of the crate: whoever hands a name on is
    /// not its home.
    fn home(&self, from: &Names, names: &Names, depth: usize) -> Option<Names> {
        // Names may be handed on in a circle where two modules import all of each other.
        if depth > 8 {
            return Some(from.clone());
        }
        let mut at = from.clone();
        let mut rest = names.as_slice();
        match rest.first()?.as_str() {
            "crate" => (at, rest) = (Names::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {}
            child if self.child(&at, child).is_some() => {}
            _ => return None,
        }
        while rest.first().is_some_and(|name| name == "super") {
            at.pop();
            rest = &rest[1..];
        }
        while let Some(child) = rest.first().and_then(|name| self.child(&at, name)) {
            (at, rest) = (child, &rest[1..]);
        }
        let handed_on = rest.first().and_then(|name| {
            let module = self.modules.get(&at)?;
            let mut of_name = module.uses.iter().filter(|(known, _)| known == name);
            of_name.next().and_then(|(_, names)| self.home(&at, names, depth + 1))
        });
        Some(handed_on.unwrap_or(at))
    }

    fn child(&self, of: &Names, name: &str) -> Option<Names> {
        let path = [of.as_slice(), &[name.to_owned()]].concat();
        self.modules.contains_key(&path).then_some(path)
    }
}

impl Module {
    fn of(text: &str) -> Self {
        let code = without_tests_and_comments(text);
        let mut module = Self::default();
        let mut rest = String::new();
        let mut statement: Option<String> = None;
        let mut inside = false;
        for line in code.lines() {
            // What a module within the file takes from the file is no import.
            let opens = line.ends_with('{') && line.trim_start_matches("pub ").starts_with("mod ");
            inside = (inside || opens) && line != "}";
            if inside && line.trim_start().starts_with("use super::") {
                continue;
            }
            let begins = ["use ", "pub use ", "pub(crate) use ", "pub(super) use "];
            let trimmed = line.trim_start();
            let begun = begins.iter().find_map(|begin| trimmed.strip_prefix(begin));
            match (&mut statement, begun) {
                (Some(open), _) => open.push_str(trimmed),
                (None, Some(tree)) => statement = Some(tree.to_owned()),
                (None, None) => {
                    rest.push_str(line);
                    rest.push('\n');
                }
            }
            if let Some(whole) = statement.take_if(|open| open.trim_end().ends_with(';')) {
                flatten(whole.trim_end().trim_end_matches(';'), &[], &mut module.uses);
            }
        }
        module.paths = paths(&rest);
        module
    }
}

/// All source files under a folder, by the path of their module.
fn gather(folder: &Path, path: &mut Names, found: &mut Vec<(String, String)>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let file = entry.expect("a folder can be listed to its end").path();
        let Some(name) = file.file_stem().and_then(|name| name.to_str()) else { continue };
        if file.is_dir() {
            path.push(name.to_owned());
            gather(&file, path, found);
            path.pop();
        } else if file.extension().is_some_and(|extension| extension == "rs") {
            let own = match name {
                "lib" | "main" | "mod" => path.clone(),
                _ => [path.as_slice(), &[name.to_owned()]].concat(),
            };
            let text =
                fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            found.push((own.join("::"), text));
        }
    }
}

/// The modules that a file declares for tests alone, in files of their own.
fn test_modules(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().zip(text.lines().skip(1));
    let after = lines.filter(|(line, _)| line.trim() == "#[cfg(test)]").map(|(_, after)| after);
    after.filter_map(|line| {
        let name = line.trim().strip_suffix(';')?.split("mod ").nth(1)?;
        Some(name.to_owned())
    })
}

fn without_tests_and_comments(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            let mut after = lines.by_ref().skip_while(|line| line.trim().starts_with("#["));
            let next = after.next().unwrap_or_default();
            if next.contains("mod ") && next.ends_with('{') {
                break;
            }
            continue;
        }
        let bare = if line.trim_start().starts_with("//") { "" } else { line };
        code.push_str(bare.split(" // ").next().unwrap_or_default());
        code.push('\n');
    }
    code
}

/// Writes a tree of imports as one path each.
fn flatten(tree: &str, before: &[String], found: &mut Vec<(String, Names)>) {
    let tree = tree.trim();
    if let Some((head, inner)) = tree.split_once('{') {
        let mut path = before.to_vec();
        path.extend(head.split("::").map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned));
        let inner = inner.strip_suffix('}').unwrap_or(inner);
        branches(inner).into_iter().for_each(|branch| flatten(branch, &path, found));
        return;
    }
    let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, a)| (path, Some(a)));
    let mut names = before.to_vec();
    names.extend(path.split("::").map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned));
    if names.len() > 1 && names.last().is_some_and(|last| last == "self") {
        names.pop();
    }
    let own = alias.map(str::to_owned).or_else(|| names.last().cloned());
    found.extend(own.map(|own| (own, names)));
}

/// The parts between those commas that stand outside of braces.
fn branches(inner: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, sign) in inner.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[start..]);
    parts.into_iter().filter(|part| !part.trim().is_empty()).collect()
}

/// Paths in code that begin with a name by which only modules and crates are called.
fn paths(code: &str) -> Vec<Names> {
    let is_name = |sign: char| sign.is_alphanumeric() || sign == '_';
    let words = code.split(|sign: char| !is_name(sign) && sign != ':');
    let paths = words.filter(|word| word.contains("::")).map(|word| {
        let names = word.split("::").filter(|name| !name.is_empty());
        names.map(str::to_owned).collect::<Names>()
    });
    let leads = |names: &Names| {
        let first = names.first().map_or("", String::as_str);
        names.len() > 1 && (["crate", "super"].contains(&first) || first.starts_with("thalweg_"))
    };
    paths.filter(leads).collect()
}
