package io.thalweg.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.bridge.ThalwegException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrivateFolderTest {
    @TempDir
    private Path shared;

    private static String permissions(Path folder) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(folder));
    }

    @Test
    void itIsMadeForItsUserAlone() throws IOException {
        Path folder = shared.resolve("work").resolve("thalweg");
        PrivateFolder.make(folder);
        assertEquals("rwx------", permissions(folder));
    }

    @Test
    void oneOfAnEarlierRunBecomesPrivate() throws IOException {
        Path folder = Files.createDirectory(shared.resolve("thalweg"));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
        PrivateFolder.make(folder);
        assertEquals("rwx------", permissions(folder));
    }

    @Test
    void oneThatSomebodyElseMadeFirstIsNotTaken() throws IOException {
        Path folder = Files.createDirectory(shared.resolve("thalweg"));
        Assumptions.assumeTrue("root".equals(System.getProperty("user.name")), "only root can make another's folder");
        Files.setOwner(folder, folder.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody"));
        ThalwegException e = assertThrows(ThalwegException.class, () -> PrivateFolder.make(folder));
        assertTrue(e.getMessage().contains("another user's"), e.getMessage());
    }

    @Test
    void aLinkThatSomebodyPutThereIsNotFollowed() throws IOException {
        Path link = Files.createSymbolicLink(shared.resolve("thalweg"), Files.createDirectory(shared.resolve("theirs")));
        ThalwegException e = assertThrows(ThalwegException.class, () -> PrivateFolder.make(link));
        assertTrue(e.getMessage().contains("thalweg.store.dir"), e.getMessage());
    }
}
