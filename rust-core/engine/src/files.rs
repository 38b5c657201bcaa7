//! Files that others read while they are written anew.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Replaces a file whole: readers see the old content or the new, also after the machine has lost its power.
///
/// # Errors
/// When the file beside it, which becomes it, cannot be written, or its folder cannot be read.
pub fn replace(path: &Path, content: &str) -> io::Result<()> {
    rewrite(path, |file| file.write_all(content.as_bytes()))
}

/// As [`replace`], with content that is never whole in memory.
///
/// # Errors
/// As there, or when the content cannot be made.
pub fn rewrite(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = BufWriter::new(File::create(&part)?);
    write(&mut file)?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    // Or a crash could leave the new name with nothing in it ...
    file.sync_all()?;
    fs::rename(part, path)?;
    // ... or the old name with the old content, although it was said that it is replaced.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("status.json");
        for content in ["a long first content", "second"] {
            replace(&file, content).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), content);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_leaves_the_old_content() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("status.json");
        replace(&file, "old").unwrap();
        fs::create_dir(folder.path().join("status.part")).unwrap();
        assert!(replace(&file, "new").is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    }
}
