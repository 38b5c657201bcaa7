package io.thalweg.storm.act;

import java.util.Map;
import java.util.Optional;
import org.apache.storm.generated.Assignment;
import org.apache.storm.thrift.TException;

/** A supervisor, as far as views concern it. */
interface Supervisor extends AutoCloseable {
    /** Replaces all that the supervisor holds. */
    void send(Map<String, Assignment> assignments) throws TException;

    /** What the supervisor holds for a topology. */
    Optional<Assignment> held(String topology) throws TException;

    @Override
    void close();
}
