package io.thalweg.storm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.TopologyDetails;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The topologies that Thalweg has placed. To Storm's own scheduler such a placement may look unfinished: it frees
 * workers that are not filled evenly once a topology has fewer than its user asked for. So what runs completely is kept
 * from it also in rounds in which Thalweg does not decide. The list is kept in a file, for the mode is changed by a
 * restart.
 */
final class Adopted {
    private static final Logger LOG = LoggerFactory.getLogger(Adopted.class);

    private static final FileAttribute<?> OWN_FOLDER =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    private static final FileAttribute<?> OWN_FILE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    private final Path file;
    private final Set<String> ids = new TreeSet<>();
    private boolean saved = true;

    /** Reads the list that this file holds; there need not be one. */
    Adopted(Path file) {
        this.file = file;
        try {
            if (Files.exists(file)) {
                Files.readAllLines(file).stream().filter(line -> !line.isBlank()).forEach(ids::add);
            }
        } catch (IOException | RuntimeException e) {
            LOG.warn("it is not known which topologies were placed before: {}", e.toString());
        }
    }

    /** The topologies that run completely as Thalweg placed them. */
    synchronized Set<String> complete(Cluster cluster) {
        Set<String> complete = new HashSet<>();
        for (TopologyDetails topology : cluster.getTopologies()) {
            if (ids.contains(topology.getId()) && cluster.getUnassignedExecutors(topology).isEmpty()) {
                complete.add(topology.getId());
            }
        }
        return complete;
    }

    /**
     * Notes who placed what in a round.
     *
     * @param all every topology there is
     * @param byUs those that were placed anew by Thalweg
     * @param byStorm those that were left to Storm's own scheduler
     */
    synchronized void note(Set<String> all, Set<String> byUs, Set<String> byStorm) {
        boolean changed = ids.retainAll(all);
        changed |= ids.removeAll(byStorm);
        changed |= ids.addAll(byUs);
        saved &= !changed;
    }

    /** Writes the list if it changed; not for a scheduling round to do. */
    void save() {
        Set<String> now;
        synchronized (this) {
            if (saved) {
                return;
            }
            saved = true;
            now = new TreeSet<>(ids);
        }
        try {
            Path draft = file.resolveSibling(file.getFileName() + ".draft");
            Files.createDirectories(file.toAbsolutePath().getParent(), OWN_FOLDER);
            Files.deleteIfExists(draft);
            Files.write(Files.createFile(draft, OWN_FILE), now);
            Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException | RuntimeException e) {
            LOG.warn("it is not kept which topologies were placed: {}", e.toString());
        }
    }
}
