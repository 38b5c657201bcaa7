package io.thalweg.bridge;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.thalweg.bridge.Entries.Entry;
import io.thalweg.bridge.Entries.Refused;
import io.thalweg.bridge.ThalwegException.Code;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a fault at each native entry: an exception with its code, and the next call works. */
@Timeout(60)
class EntriesTest {
    /** What is planted, by its number, and the code that it comes out with. */
    private static final List<Code> FAULTS = List.of(Code.INTERNAL, Code.PANIC, Code.MEMORY);
    private static final Logger LOG = Logger.getLogger("io.thalweg");

    @TempDir
    Path folder;

    private Entries entries;

    @BeforeEach
    void begin() {
        LOG.setLevel(Level.OFF);
        entries = new Entries(folder);
    }

    @AfterEach
    void end() {
        entries.close();
        LOG.setLevel(null);
        NativeLog.refreshThreshold();
    }

    @Test
    void noEntryIsMissingInTheList() {
        Set<String> listed = entries.all().stream().map(Entry::name).collect(Collectors.toCollection(TreeSet::new));
        assertEquals(Entries.natives(), listed);
    }

    @Test
    void everyEntryTakesWhatIsGoodAndRefusesWhatIsBadWithItsCode() {
        for (Entry entry : entries.all()) {
            for (Refused refused : entry.bad()) {
                ThalwegException e = assertThrows(ThalwegException.class, refused.call()::run, entry.name());
                assertEquals(refused.code(), e.code(), entry.name() + ": " + e.getMessage());
            }
            assertDoesNotThrow(entry.good()::run, entry.name());
        }
    }

    @Test
    void errorsPanicsAndWantOfMemoryAtEachEntryAreExceptionsAndTheNextCallWorks() {
        for (Entry entry : entries.all()) {
            if (entry.name().equals("plant")) {
                // It could not take its own fault back, and nothing but tests calls it.
                assertThrows(ThalwegException.class, () -> Native.plant("plant", 1));
                continue;
            }
            for (int fault = 1; fault <= FAULTS.size(); fault++) {
                Native.plant(entry.name(), fault);
                try {
                    for (int again = 0; again < 2; again++) {
                        ThalwegException e = assertThrows(ThalwegException.class, entry.good()::run, entry.name());
                        assertEquals(FAULTS.get(fault - 1), e.code(), entry.name() + ": " + e.getMessage());
                    }
                } finally {
                    Native.plant(entry.name(), 0);
                }
                assertDoesNotThrow(entry.good()::run, entry.name());
            }
        }
    }
}
