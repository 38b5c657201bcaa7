package io.thalweg.storm;

import io.thalweg.shell.Linkage;
import java.util.Set;

/** What is checked of Storm before Thalweg starts in it. */
final class StormsLinkage {
    private static final String STORMS = "org/apache/storm/";

    /** Storm 2.5 lacks this, and there is another way for it. */
    private static final Set<String> DISPENSABLE = Set.of("org.apache.storm.utils.SupervisorClient$Builder");

    private StormsLinkage() { }

    /** Makes the check. */
    static Linkage make() {
        return new Linkage("Storm", STORMS, DISPENSABLE);
    }
}
