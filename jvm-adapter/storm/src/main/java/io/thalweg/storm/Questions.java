package io.thalweg.storm;

import io.thalweg.storm.cluster.NimbusLink;
import org.apache.storm.generated.AuthorizationException;
import org.apache.storm.generated.TopologyInfo;
import org.apache.storm.thrift.TException;

/** Questions to Nimbus from beside it; one that is refused is not asked again for a while. */
final class Questions implements AutoCloseable {
    private final NimbusLink nimbus;
    private final Denials denials;

    Questions(NimbusLink nimbus, Denials denials) {
        this.nimbus = nimbus;
        this.denials = denials;
    }

    /** Which calls are refused. */
    Denials denials() {
        return denials;
    }

    /**
     * Asks.
     *
     * @param call the call's name
     * @param topology which topology it is about; empty where none
     * @throws AuthorizationException if it is refused, with what would allow it
     */
    <T> T ask(String call, String topology, NimbusLink.Call<T> question) throws TException {
        denials.require(call, topology);
        try {
            T answer = nimbus.call(call, question);
            denials.allowed(call, topology);
            return answer;
        } catch (AuthorizationException e) {
            throw denials.note(call, topology, e);
        }
    }

    /** The executors of a topology with their statistics. */
    TopologyInfo info(String topology) throws TException {
        return ask("getTopologyInfoWithOpts", topology, NimbusLink.infoOf(topology));
    }

    /**
     * Sees to it that a failed question is no sign of a Nimbus that is gone.
     *
     * @throws TException if it does not answer anything
     */
    void requireAnswers(Exception failure) throws TException {
        nimbus.requireAnswers(failure);
    }

    @Override
    public void close() {
        nimbus.close();
    }
}
