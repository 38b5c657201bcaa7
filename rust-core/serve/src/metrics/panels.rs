//! The panels of the dashboard for Grafana.

/// A panel.
pub struct Panel {
    pub title: &'static str,
    pub unit: &'static str,
    /// Whether it is one figure, not a chart.
    pub figure: bool,
    /// Expressions with their legends.
    pub queries: &'static [(&'static str, &'static str)],
}

/// A row of panels with its title.
pub struct Row {
    pub title: &'static str,
    pub panels: &'static [Panel],
}

const fn chart(
    title: &'static str,
    unit: &'static str,
    queries: &'static [(&'static str, &'static str)],
) -> Panel {
    Panel { title, unit, figure: false, queries }
}

const fn figure(
    title: &'static str,
    unit: &'static str,
    queries: &'static [(&'static str, &'static str)],
) -> Panel {
    Panel { title, unit, figure: true, queries }
}

/// `$engine` and `$topology` are the dashboard's variables.
pub const ROWS: &[Row] = &[
    Row {
        title: "Engines",
        panels: &[
            figure(
                "Engines that answer",
                "short",
                &[("sum(thalweg_engine_up{engine=~\"$engine\"})", "")],
            ),
            figure("Leading", "short", &[("sum(thalweg_engine_leads{engine=~\"$engine\"})", "")]),
            figure(
                "Stores in reach",
                "short",
                &[("sum(thalweg_engine_store_up{engine=~\"$engine\"})", "")],
            ),
            figure(
                "Wrong settings",
                "short",
                &[("sum(thalweg_engine_problems{engine=~\"$engine\"})", "")],
            ),
            chart(
                "Age of the status",
                "s",
                &[("thalweg_engine_status_age_seconds{engine=~\"$engine\"}", "{{engine}}")],
            ),
            chart(
                "Topologies by verdict",
                "short",
                &[("sum by (verdict) (thalweg_topologies{engine=~\"$engine\"})", "{{verdict}}")],
            ),
            chart(
                "Reasons",
                "short",
                &[("topk(10, sum by (code) (thalweg_reasons{engine=~\"$engine\"}))", "{{code}}")],
            ),
            chart(
                "Plan under way",
                "short",
                &[("thalweg_plan_under_way{engine=~\"$engine\"}", "{{engine}}")],
            ),
        ],
    },
    Row {
        title: "Topologies",
        panels: &[
            chart(
                "Throughput",
                "short",
                &[(
                    "thalweg_topology_throughput_tuples_per_second{engine=~\"$engine\",topology=~\"$topology\"}",
                    "{{topology}}",
                )],
            ),
            chart(
                "Process latency",
                "s",
                &[(
                    "thalweg_topology_process_latency_seconds{engine=~\"$engine\",topology=~\"$topology\"}",
                    "{{topology}}",
                )],
            ),
            chart(
                "Busiest executor",
                "percentunit",
                &[(
                    "thalweg_topology_busy_ratio{engine=~\"$engine\",topology=~\"$topology\"}",
                    "{{topology}}",
                )],
            ),
            chart(
                "Executors",
                "short",
                &[(
                    "thalweg_topology_executors{engine=~\"$engine\",topology=~\"$topology\"}",
                    "{{topology}}",
                )],
            ),
            chart(
                "Workers",
                "short",
                &[(
                    "thalweg_topology_workers{engine=~\"$engine\",topology=~\"$topology\"}",
                    "{{topology}}",
                )],
            ),
            chart(
                "Fresh statistics",
                "percentunit",
                &[(
                    "thalweg_topology_coverage_ratio{engine=~\"$engine\",topology=~\"$topology\"}",
                    "{{topology}}",
                )],
            ),
            chart(
                "Failed tuples within the window",
                "short",
                &[(
                    "thalweg_topology_failed_tuples{engine=~\"$engine\",topology=~\"$topology\"}",
                    "{{topology}}",
                )],
            ),
            chart(
                "Plans that wait or are only shown",
                "short",
                &[(
                    "sum by (engine) (thalweg_topology_plan_proposed{engine=~\"$engine\"})",
                    "{{engine}}",
                )],
            ),
        ],
    },
    Row {
        title: "Components",
        panels: &[
            chart(
                "Throughput of components",
                "short",
                &[(
                    "thalweg_component_throughput_tuples_per_second{engine=~\"$engine\",topology=~\"$topology\"}",
                    "{{component}}",
                )],
            ),
            chart(
                "Busy components",
                "percentunit",
                &[(
                    "thalweg_component_busy_ratio{engine=~\"$engine\",topology=~\"$topology\"}",
                    "{{component}}",
                )],
            ),
            chart(
                "Execute latency",
                "s",
                &[(
                    "thalweg_component_execute_latency_seconds{engine=~\"$engine\",topology=~\"$topology\"}",
                    "{{component}}",
                )],
            ),
            chart(
                "Executors of components",
                "short",
                &[(
                    "thalweg_component_executors{engine=~\"$engine\",topology=~\"$topology\"}",
                    "{{component}}",
                )],
            ),
        ],
    },
    Row {
        title: "This server",
        panels: &[
            chart(
                "Time of a look",
                "s",
                &[("thalweg_engine_look_seconds{engine=~\"$engine\"}", "{{engine}}")],
            ),
            chart(
                "Answers",
                "reqps",
                &[("sum by (status) (rate(thalweg_serve_responses_total[5m]))", "{{status}}")],
            ),
        ],
    },
];
