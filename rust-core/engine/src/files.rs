//! Files that others read while they are written anew.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufWriter, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Replaces a file whole, with content that need never be whole in memory: readers see the old content or the new, also after
/// the machine has lost its power. A new file is for its user alone; one that was opened to others stays so.
///
/// # Errors
/// When the content cannot be made, the file beside it, which becomes it, cannot be written, or its folder cannot be read.
pub fn rewrite(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = BufWriter::new(own(&part)?);
    if let Some(old) = fs::symlink_metadata(path).ok().filter(Metadata::is_file) {
        file.get_ref().set_permissions(old.permissions())?;
    }
    write(&mut file)?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    // Or a crash could leave the new name with nothing in it ...
    file.sync_all()?;
    fs::rename(part, path)?;
    // ... or the old name with the old content, although it was said that it is replaced.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Makes a file that nobody else can read or has open. Whatever has its name goes first: a link would lead elsewhere.
fn own(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => OpenOptions::new().write(true).create_new(true).mode(0o600).open(path),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use super::*;

    fn replace(path: &Path, content: &str) -> io::Result<()> {
        rewrite(path, |file| file.write_all(content.as_bytes()))
    }

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
