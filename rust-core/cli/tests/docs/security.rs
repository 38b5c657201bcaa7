//! Each threat that `SECURITY.md` names has tests, and these are there.

use std::fs;
use std::path::Path;

use crate::blocks::root;

/// The cells of the rows of all tables of a page, without heads and rulers.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = page.lines().collect();
    let of = |line: &&str| line.starts_with("| ") || line.starts_with("|-");
    let tables = lines.split(|line| !of(line)).filter(|table| table.len() > 2);
    let rows = tables.flat_map(|table| &table[2..]);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// What stands between backticks.
fn spans(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Whether a file, or one of a folder, has a test of a name, as its language marks it.
fn has_test(place: &Path, name: &str) -> bool {
    if place.is_dir() {
        let files = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
        return files.into_iter().any(|file| file.is_file() && has_test(&file, name));
    }
    let text = fs::read_to_string(place).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let named = |line: &str| {
        line.starts_with(&format!("fn {name}(")) || line.starts_with(&format!("void {name}("))
    };
    let marked = |at: usize| {
        let before = lines[..at].iter().rev();
        let mut before = before.take_while(|line| line.starts_with(['#', '@']));
        before.any(|line| ["#[test]", "#[tokio::test]", "@Test"].contains(line))
    };
    let in_script = format!("test('{name}'");
    // Python's are marked by their names.
    let in_python = format!("def {name}(");
    let is_in_python = |line: &str| name.starts_with("test_") && line.starts_with(&in_python);
    lines.iter().enumerate().any(|(at, line)| {
        named(line) && marked(at) || line.starts_with(&in_script) || is_in_python(line)
    })
}

#[test]
fn each_threat_has_tests_that_are_there() {
    let page = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let mut seen = 0;
    for row in rows(&page) {
        let [who, could, .., shown] = row[..] else { panic!("{row:?}") };
        let mut place = None;
        let mut tests = 0;
        for span in spans(shown) {
            if span.contains('/') {
                let path = root().join(span);
                assert!(path.exists(), "{who}, {could}: there is no {span}");
                place = Some(path);
                continue;
            }
            let place =
                place.as_ref().unwrap_or_else(|| panic!("{who}, {could}: whose is {span}?"));
            assert!(
                has_test(place, span),
                "{who}, {could}: {} has no test {span}",
                place.display()
            );
            tests += 1;
        }
        assert!(tests > 0, "{who}, {could}: no test shows what stands against it");
        seen += tests;
    }
    assert!(seen > 40, "{seen} tests");
}

#[test]
fn a_test_is_what_is_marked_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("some.rs");
    let text = "#[test]\nfn one() {}\n\nfn two() {}\n\n    @Test\n    void three() {}\ntest('four', () => 1);\n\
                def test_five():\ndef six():\n";
    fs::write(&file, text).unwrap();
    for there in ["one", "three", "four", "test_five"] {
        assert!(has_test(folder.path(), there), "{there}");
    }
    for not_there in ["two", "six", "test_six"] {
        assert!(!has_test(folder.path(), not_there), "{not_there}");
    }
}
