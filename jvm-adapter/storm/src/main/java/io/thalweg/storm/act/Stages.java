package io.thalweg.storm.act;

import com.fasterxml.jackson.databind.JsonNode;
import io.thalweg.shell.Desk;
import io.thalweg.shell.Plan;
import io.thalweg.shell.Stage;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.Way;
import io.thalweg.storm.cluster.NimbusLink;
import io.thalweg.storm.cluster.Rounds;
import io.thalweg.storm.cluster.Settings;
import io.thalweg.storm.cluster.StateLink;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.storm.thrift.TException;

/** Storm's ways of carrying out plans. */
public final class Stages implements Function<Plan, Stage>, AutoCloseable {
    private final Map<String, Object> conf;
    private final Settings settings;
    private final Rounds rounds;
    private final Desk desk;
    private final StateLink state;
    private final NimbusLink nimbus;
    private final SyncClock clock = new SyncClock();

    /** Works on the cluster of this Nimbus. */
    public Stages(Map<String, Object> conf, Settings settings, Rounds rounds, Desk desk, StateLink state) {
        this.conf = conf;
        this.settings = settings;
        this.rounds = rounds;
        this.desk = desk;
        this.state = state;
        this.nimbus = new NimbusLink(conf);
    }

    @Override
    public Stage apply(Plan plan) {
        return new StormStage(new Scene(conf, settings, rounds, nimbus, state, desk, clock), plan);
    }

    @Override
    public void close() {
        nimbus.close();
    }

    private record StormStage(Scene scene, Plan plan) implements Stage {
        @Override
        public List<Way> ways() {
            if (!plan.memoryMib().isEmpty()) {
                // A worker's heap is fixed when its topology is submitted.
                return List.of();
            }
            Settings.Method method = scene.settings().method();
            boolean auto = method == Settings.Method.AUTO;
            List<Way> ways = new ArrayList<>();
            boolean beside = !plan.noRoomBeside() && plan.kind() != Plan.Kind.LAYOUT;
            if ((auto || method == Settings.Method.MAKE_BEFORE_BREAK) && beside) {
                ways.add(new MakeBeforeBreak(scene, plan));
            }
            if (auto || method == Settings.Method.DRAIN) {
                ways.add(new DrainAndRestart(scene, plan));
            }
            if (auto || method == Settings.Method.REBALANCE) {
                ways.add(new PlainRebalance(scene, plan));
            }
            return ways;
        }

        @Override
        public List<Way> carryOn() {
            return List.of(new PlainRebalance(scene, plan));
        }

        @Override
        public void check() throws StepFailed {
            scene.topology(plan);
        }

        @Override
        public boolean reached() {
            return scene.reached(plan);
        }

        @Override
        public void settle() throws StepFailed {
            scene.announce(plan);
        }

        @Override
        public void undo(JsonNode done) throws StepFailed, TException {
            Traces.undo(scene, plan, done);
        }
    }
}
