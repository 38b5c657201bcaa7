package io.thalweg.storm;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.thalweg.shell.Visible;
import io.thalweg.storm.cluster.Settings;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.storm.Config;
import org.apache.storm.generated.Bolt;
import org.apache.storm.generated.ComponentCommon;
import org.apache.storm.generated.InvalidTopologyException;
import org.apache.storm.generated.StormTopology;
import org.apache.storm.nimbus.ITopologyValidator;
import org.apache.storm.utils.Utils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes submitted topologies elastic, as {@code nimbus.topology.validator}: a component's tasks are fixed for life
 * and bound its executors, so components that may grow get more tasks than executors; and shuffling is made to treat
 * all tasks alike, for Storm's load-aware one starves added executors: it prefers tasks nearby, knows the load of
 * an executor's first task only and takes the others for overloaded, and comes to trust a task that was one of them
 * by a hundredth each second. A topology's own settings are never overruled, and no submission is ever refused for want of head-room; a validator that
 * this one takes the place of is asked first, and may.
 */
public final class TaskHeadroom implements ITopologyValidator {
    private static final Logger LOG = LoggerFactory.getLogger(TaskHeadroom.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final TypeReference<TreeMap<String, Object>> OBJECT = new TypeReference<>() { };

    /** Settings by which a topology's author has chosen a way of shuffling. */
    private static final List<String> SHUFFLE_KEYS = List.of(Config.TOPOLOGY_DISABLE_LOADAWARE_MESSAGING,
        Config.TOPOLOGY_LOCALITYAWARE_HIGHER_BOUND, Config.TOPOLOGY_LOCALITYAWARE_LOWER_BOUND);

    private long factor;
    private long maxTasks;
    private Set<String> listed;
    private boolean keepShuffle;
    private String delegateName;
    private ITopologyValidator delegate;
    private Throwable delegateFailure;

    @Override
    public void prepare(Map<String, Object> conf) {
        factor = Settings.number(conf, "thalweg.headroom.factor", 4, 1);
        maxTasks = Settings.number(conf, "thalweg.headroom.max.tasks", 64, 1);
        listed = names(conf.get("thalweg.headroom.components"));
        keepShuffle = "keep".equals(conf.get("thalweg.shuffle.locality"));
        LOG.info("head-room: {} tasks for one executor, {} at most; load-aware shuffling is {}", factor, maxTasks,
            keepShuffle ? "kept" : "off unless a topology sets it");
        prepareDelegate(conf);
    }

    private void prepareDelegate(Map<String, Object> conf) {
        if (!(conf.get("thalweg.delegate.validator") instanceof String name) || name.isBlank()) {
            return;
        }
        delegateName = name;
        try {
            ITopologyValidator named = (ITopologyValidator) Class.forName(name).getDeclaredConstructor().newInstance();
            named.prepare(conf);
            delegate = named;
        } catch (Throwable e) {
            delegateFailure = e;
            LOG.error("configuration: thalweg.delegate.validator {} cannot be used, so no submission is taken", name, e);
        }
    }

    @Override
    public void validate(String name, Map<String, Object> topologyConf, StormTopology topology) throws InvalidTopologyException {
        if (delegateFailure != null) {
            // What somebody wants to be checked is not let through unchecked.
            throw new InvalidTopologyException("the validator " + delegateName + " cannot be used: " + delegateFailure);
        }
        if (delegate != null) {
            delegate.validate(name, topologyConf, topology);
        }
        try {
            topology.get_bolts().forEach((id, bolt) -> {
                if (isGrowing(name, id, bolt)) {
                    widen(name, id, bolt.get_common());
                }
            });
            topology.get_spouts().forEach((id, spout) -> {
                if (isListed(name, id)) {
                    widen(name, id, spout.get_common());
                }
            });
            if (!keepShuffle) {
                spread(topologyConf);
            }
        } catch (Throwable e) {
            // Head-room is a favour; a submission must not fail for want of it.
            LOG.error("{} stays as it was submitted", Visible.text(name), e);
        }
    }

    /** Whether a bolt may get more tasks: one that its operator lists, or whose tasks only share its tuples. */
    private boolean isGrowing(String topology, String id, Bolt bolt) {
        if (globalOnly(bolt.get_common())) {
            return false;
        }
        if (isListed(topology, id)) {
            return true;
        }
        Optional<String> meaning = hint(bolt.get_common()) > 1 && !Utils.isSystemId(id) ? TaskMeaning.of(bolt) : Optional.empty();
        meaning.ifPresent(what -> LOG.info("{}/{} keeps its tasks, as each is {}; thalweg.headroom.components may name it",
            topology, id, what));
        return hint(bolt.get_common()) > 1 && meaning.isEmpty();
    }

    private boolean isListed(String topology, String id) {
        return listed.contains(id) || listed.contains(topology + "/" + id);
    }

    private static int hint(ComponentCommon component) {
        return component.is_set_parallelism_hint() ? component.get_parallelism_hint() : 1;
    }

    private void widen(String topology, String id, ComponentCommon component) {
        try {
            int hint = hint(component);
            if (Utils.isSystemId(id)) {
                return;
            }
            Map<String, Object> conf = configuration(component);
            if (conf.containsKey(Config.TOPOLOGY_TASKS)) {
                return;
            }
            long tasks = Math.max(hint, Math.min(maxTasks, hint * factor));
            conf.put(Config.TOPOLOGY_TASKS, tasks);
            component.set_json_conf(JSON.writeValueAsString(conf));
            LOG.info("{}/{}: {} tasks for {} executors", Visible.text(topology), Visible.text(id), tasks, hint);
        } catch (JsonProcessingException e) {
            LOG.warn("{}/{} stays as it was submitted, its configuration is no JSON: {}", Visible.text(topology), Visible.text(id),
                Visible.text(e.getMessage()));
        }
    }

    private static Map<String, Object> configuration(ComponentCommon component) throws JsonProcessingException {
        String json = component.is_set_json_conf() ? component.get_json_conf() : null;
        return json == null || json.isEmpty() ? new TreeMap<>() : JSON.readValue(json, OBJECT);
    }

    /** Whether all input goes to the one task with the lowest number; Storm writes that as fields grouping on no field. */
    private static boolean globalOnly(ComponentCommon component) {
        return !component.get_inputs().isEmpty()
            && component.get_inputs().values().stream().allMatch(g -> g.is_set_fields() && g.get_fields().isEmpty());
    }

    private static void spread(Map<String, Object> conf) {
        if (SHUFFLE_KEYS.stream().noneMatch(conf::containsKey)) {
            conf.put(Config.TOPOLOGY_DISABLE_LOADAWARE_MESSAGING, true);
        }
    }

    private static Set<String> names(Object value) {
        Set<String> names = new TreeSet<>();
        if (value instanceof Collection<?> many) {
            many.forEach(name -> names.add(String.valueOf(name)));
        } else if (value instanceof String some) {
            for (String name : some.split(",")) {
                names.add(name.trim());
            }
        }
        return names;
    }
}
