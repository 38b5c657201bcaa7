package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdoptedTest {
    private final TopologyDetails topology = Synthetic.topology("t", 4, 1, 4);
    private final Cluster cluster = Synthetic.cluster(2, 2, topology);

    @TempDir
    Path folder;

    @Test
    void theListOutlivesARestart() {
        cluster.assign(new WorkerSlot("node-00", 6700), topology.getId(), topology.getExecutors());
        Path file = folder.resolve("new/placed");
        Adopted first = new Adopted(file);
        assertEquals(Set.of(), first.complete(cluster));
        first.note(Set.of(topology.getId()), Set.of(topology.getId()), Set.of());
        first.save();
        Adopted second = new Adopted(file);
        assertEquals(Set.of(topology.getId()), second.complete(cluster));
        second.note(Set.of(topology.getId()), Set.of(), Set.of(topology.getId()));
        second.save();
        assertEquals(Set.of(), new Adopted(file).complete(cluster));
    }

    @Test
    void theListIsForItsUserAlone() throws Exception {
        Path others = Files.writeString(folder.resolve("others"), "another's");
        Path file = folder.resolve("new/placed");
        Adopted adopted = new Adopted(file);
        adopted.note(Set.of("t-1"), Set.of("t-1"), Set.of());
        adopted.save();
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent())));
        Files.createSymbolicLink(file.resolveSibling("placed.draft"), others);
        adopted.note(Set.of("t-2"), Set.of("t-2"), Set.of());
        adopted.save();
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        assertEquals("another's", Files.readString(others));
    }

    @Test
    void whatLacksAnExecutorIsNotComplete() {
        cluster.assign(new WorkerSlot("node-00", 6700), topology.getId(), Synthetic.executors(topology).subList(0, 3));
        Adopted adopted = new Adopted(folder.resolve("placed"));
        adopted.note(Set.of(topology.getId()), Set.of(topology.getId()), Set.of());
        assertEquals(Set.of(), adopted.complete(cluster));
    }

    @Test
    void aFileThatCannotBeUsedIsNoHindrance() throws Exception {
        Path file = folder.resolve("placed");
        Files.createDirectory(file);
        Adopted adopted = new Adopted(file);
        adopted.note(Set.of("t-1"), Set.of("t-1"), Set.of());
        adopted.save();
        assertFalse(Files.isRegularFile(file));
    }
}
