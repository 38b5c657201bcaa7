package io.thalweg.storm.act;

import java.util.Map;
import org.apache.storm.generated.Assignment;
import org.apache.storm.thrift.TException;

/** What Nimbus holds. */
@FunctionalInterface
interface Truth {
    /** All assignments that the supervisor of this node is to have, asked afresh. */
    Map<String, Assignment> of(String node) throws TException;
}
