package io.thalweg.flink;

import io.thalweg.bridge.ThalwegException;
import io.thalweg.bridge.ThalwegException.Code;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * A folder for nobody but this process's user. The default one has a name that can be guessed, in a folder that others may
 * write to as well; whoever made it first could leave orders in it.
 */
final class PrivateFolder {
    private static final Set<PosixFilePermission> OWN = PosixFilePermissions.fromString("rwx------");

    private PrivateFolder() {}

    /** Makes it, or makes it private where it is ours. */
    static void make(Path folder) {
        try {
            if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
                Files.createDirectories(folder.toAbsolutePath().getParent());
                Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(OWN));
                return;
            }
            boolean real = Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS);
            if (!real || !Files.getOwner(folder).getName().equals(ownName())) {
                throw new ThalwegException(Code.CONFIG, folder + " is another user's, or no folder: set thalweg.store.dir");
            }
            Files.setPosixFilePermissions(folder, OWN);
        } catch (IOException | UnsupportedOperationException e) {
            throw new ThalwegException(Code.CONFIG, folder + " cannot be made private: set thalweg.store.dir", e);
        }
    }

    /** Of whoever this process runs as: the owner of what it makes. */
    private static String ownName() throws IOException {
        Path probe = Files.createTempFile("thalweg", ".owner");
        try {
            return Files.getOwner(probe).getName();
        } finally {
            Files.delete(probe);
        }
    }
}
