package io.thalweg.storm.act;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.thalweg.shell.EngineFacade;
import io.thalweg.shell.Plan;
import io.thalweg.shell.ClusterState;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.Strategy;
import io.thalweg.storm.cluster.NimbusLink;
import io.thalweg.storm.cluster.Refusals;
import io.thalweg.storm.cluster.Rounds;
import io.thalweg.storm.cluster.Settings;
import io.thalweg.storm.cluster.StateLink;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.storm.thrift.TException;

/** Storm's ways of carrying out plans. */
public final class ClusterStates implements Function<Plan, ClusterState>, AutoCloseable {
    private static final String REVERSE = "reverse";

    private final Map<String, Object> conf;
    private final Settings settings;
    private final Rounds rounds;
    private final EngineFacade facade;
    private final StateLink state;
    private final NimbusLink nimbus;
    private final SyncClock clock = new SyncClock();

    /** Works on the cluster of this Nimbus. */
    public ClusterStates(Map<String, Object> conf, Settings settings, Rounds rounds, EngineFacade facade, StateLink state) {
        this.conf = conf;
        this.settings = settings;
        this.rounds = rounds;
        this.facade = facade;
        this.state = state;
        this.nimbus = new NimbusLink(conf, new Refusals());
    }

    @Override
    public ClusterState apply(Plan plan) {
        return new StormState(new ActionContext(conf, settings, rounds, nimbus, state, facade, clock), plan);
    }

    /**
     * The part of what is due that can be done by one who has seen no scheduling round yet; missing if there is none.
     *
     * @param late whether what is stopped for a plan that is carried on is not to wait any longer
     */
    public static JsonNode withoutRound(JsonNode due, boolean late) {
        ArrayNode stopped = Traces.stopped(due.path("done"));
        if (stopped.isEmpty() || !late && !REVERSE.equals(due.path("what").asText())) {
            return MissingNode.getInstance();
        }
        ObjectNode part = JsonNodeFactory.instance.objectNode().put("what", REVERSE);
        part.set("plan", due.path("plan"));
        part.set("done", stopped);
        return part;
    }

    @Override
    public void close() {
        nimbus.close();
    }

    private record StormState(ActionContext context, Plan plan) implements ClusterState {
        @Override
        public List<Strategy> strategies() {
            if (!plan.memoryMib().isEmpty()) {
                // A worker's heap is fixed when its topology is submitted.
                return List.of();
            }
            Settings.Method method = context.settings().method();
            boolean auto = method == Settings.Method.AUTO;
            List<Strategy> strategies = new ArrayList<>();
            boolean beside = !plan.noRoomBeside() && plan.kind() != Plan.Kind.LAYOUT;
            if ((auto || method == Settings.Method.MAKE_BEFORE_BREAK) && beside) {
                strategies.add(new MakeBeforeBreak(context, plan));
            }
            if (auto || method == Settings.Method.DRAIN) {
                strategies.add(new DrainAndRestart(context, plan));
            }
            if (auto || method == Settings.Method.REBALANCE) {
                strategies.add(new PlainRebalance(context, plan));
            }
            return strategies;
        }

        @Override
        public List<Strategy> carryOn() {
            return List.of(new PlainRebalance(context, plan));
        }

        @Override
        public void check() throws StepFailed {
            context.topology(plan);
        }

        @Override
        public boolean reached() {
            return context.reached(plan);
        }

        @Override
        public void settle() throws StepFailed {
            context.announce(plan);
        }

        @Override
        public void undo(JsonNode done) throws StepFailed, TException {
            Traces.undo(context, plan, done);
        }
    }
}
