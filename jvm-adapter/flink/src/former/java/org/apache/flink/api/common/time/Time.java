package org.apache.flink.api.common.time;

/** A length of time, as Flink 1 has it. Only its name counts: it is compiled against and not packed. */
public class Time {
    private Time() {}
}
