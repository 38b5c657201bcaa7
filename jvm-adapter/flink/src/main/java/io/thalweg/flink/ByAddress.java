package io.thalweg.flink;

import io.thalweg.flink.rest.OwnAddress;
import io.thalweg.shell.Leadership;
import java.net.URI;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.highavailability.ClientHighAvailabilityServices;
import org.apache.flink.runtime.highavailability.HighAvailabilityServicesUtils;
import org.apache.flink.runtime.jobmanager.HighAvailabilityMode;
import org.apache.flink.runtime.leaderretrieval.LeaderRetrievalListener;
import org.apache.flink.runtime.leaderretrieval.LeaderRetrievalService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether this JobManager leads: whether the address that Flink's own coordination service has of the leader is its own.
 *
 * <p>A JobManager that stood still believes for a moment that it leads still. So before anything is done the service is asked
 * anew: a session that has ended there meanwhile gets no answer from before.
 */
final class ByAddress implements Leadership {
    private static final Logger LOG = LoggerFactory.getLogger(ByAddress.class);
    private static final long ASK_MILLIS = 3_000;

    /** Who leads, and in which session. */
    record Leader(String address, UUID session) { }

    /** Tells who leads until it is closed. */
    @FunctionalInterface
    interface Service {
        /** Begins to tell. */
        AutoCloseable tell(LeaderRetrievalListener listener) throws Exception;
    }

    private final Service asked;
    private final Predicate<URI> own;
    private volatile Optional<Leader> last = Optional.empty();
    private UUID session;
    private long term;
    private String known;
    private boolean leads;

    /**
     * Begins to be told.
     *
     * @param told tells for good; with ZooKeeper whoever ends one question ends the watches of all others of its connection
     * @param asked tells for each question
     * @param own whether a REST interface is this process's
     */
    ByAddress(Service told, Service asked, Predicate<URI> own) throws Exception {
        this.asked = asked;
        this.own = own;
        told.tell(new Told(leader -> last = leader));
    }

    /** Of a JobManager with this configuration; the only one where none could take over. */
    static Leadership of(Configuration configuration) throws Exception {
        if (!HighAvailabilityMode.isHighAvailabilityModeActivated(configuration)) {
            return ALONE;
        }
        return new ByAddress(connected(configuration), connected(configuration), OwnAddress::is);
    }

    private static Service connected(Configuration configuration) throws Exception {
        ClientHighAvailabilityServices services = HighAvailabilityServicesUtils.createClientHAService(
                configuration, error -> LOG.warn("who leads cannot be told for now", error));
        return listener -> {
            LeaderRetrievalService retrieval = services.getClusterRestEndpointLeaderRetriever();
            retrieval.start(listener);
            return retrieval::stop;
        };
    }

    @Override
    public OptionalLong lately() {
        return of(last);
    }

    @Override
    public OptionalLong term() {
        try {
            last = ask();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return OptionalLong.empty();
        } catch (ExecutionException | TimeoutException e) {
            return OptionalLong.empty();
        } catch (Exception e) {
            LOG.warn("who leads cannot be asked", e);
            return OptionalLong.empty();
        }
        return of(last);
    }

    private Optional<Leader> ask() throws Exception {
        CompletableFuture<Optional<Leader>> found = new CompletableFuture<>();
        AutoCloseable question = asked.tell(new Told(leader -> {
            if (leader.isPresent()) {
                found.complete(leader);
            }
        }));
        try {
            return found.get(ASK_MILLIS, TimeUnit.MILLISECONDS);
        } finally {
            question.close();
        }
    }

    private synchronized OptionalLong of(Optional<Leader> leader) {
        if (leader.isEmpty()) {
            return OptionalLong.empty();
        }
        if (!leader.get().session().equals(session)) {
            session = leader.get().session();
            term++;
        }
        if (!leader.get().address().equals(known)) {
            leads = own.test(URI.create(leader.get().address()));
            known = leader.get().address();
            LOG.info("{} leads, which is {}", known, leads ? "this process" : "another");
        }
        return leads ? OptionalLong.of(term) : OptionalLong.empty();
    }

    /** Takes what the service tells. */
    private record Told(Consumer<Optional<Leader>> take) implements LeaderRetrievalListener {
        @Override
        public void notifyLeaderAddress(String address, UUID id) {
            take.accept(address == null || id == null ? Optional.empty() : Optional.of(new Leader(address, id)));
        }

        @Override
        public void handleError(Exception error) {
            LOG.warn("who leads is not told any more", error);
            take.accept(Optional.empty());
        }
    }
}
