// What the server answers; see docs/reference/openapi.json.

export interface Page<T> {
    items: T[];
    next: string | null;
    total: number;
}

export interface Reason {
    code: string;
    text: string;
    measured: number | null;
    limit: number | null;
    setting: string | null;
}

export type Standing = 'none' | 'proposed' | 'waiting' | 'under_way';

export interface Summary {
    engine: string;
    id: string;
    name: string;
    status: string;
    verdict: string;
    mode: string;
    at: number;
    level: number;
    bottleneck: string | null;
    throughput: number | null;
    latency: number | null;
    complete_latency: number | null;
    expected_latency: number | null;
    busy: number | null;
    coverage: number;
    executors: number;
    workers: number;
    backlog: number | null;
    failed: number;
    reason: Reason | null;
    plan: Standing;
}

export interface Component {
    id: string;
    kind: string;
    executors: number;
    tasks: number;
    measured: number;
    rate: number | null;
    believed_capacity: number | null;
    busy: number | null;
    mean_busy: number | null;
    execute_latency: number | null;
    process_latency: number | null;
    level: number;
    bottleneck: boolean;
    backlog: number | null;
    memory_mib: number | null;
    failed: number;
}

export interface Stream {
    from: string;
    to: string;
    grouping: string;
    rate: number | null;
}

export interface Worker {
    node: string;
    port: number;
    executors: Record<string, number>;
}

export interface ClusterNode {
    id: string;
    host: string;
    rack: string;
    ports: number[];
    draining: boolean;
    power: number | null;
    load: number | null;
}

export interface Place {
    host: string | null;
    node: string;
    port: number;
}

export interface Change {
    component: string;
    executors_before: number | null;
    executors_after: number | null;
    memory_before: number | null;
    memory_after: number | null;
    busy_before: number | null;
    busy_after: number | null;
}

export interface Offer {
    expires: number;
    takes_secs: number;
    stops: boolean;
    approved_by: string[];
    people: number;
}

export interface Move {
    component: string;
    executors: number;
    from: Place | null;
    to: Place;
}

export interface Step {
    step: string;
    at: number | null;
    millis: number | null;
    text: string;
}

export interface Plan {
    id: string;
    engine: string;
    topology: string;
    name: string;
    kind: string;
    state: string;
    since: number;
    strategy: string | null;
    changes: Change[];
    moves: Move[];
    expected_busy: number | null;
    stay: number;
    workers: number;
    stages_left: number;
    no_room_beside: boolean;
    steps: Step[];
    code: string | null;
    offer: Offer | null;
}

export interface Outcome {
    plan: string;
    at: number;
    helped: boolean;
    text: string;
    throughput: [number, number];
    latency: [number | null, number | null];
    busy: [number, number];
    expected_busy: number | null;
}

export interface Forecast {
    due: number;
    expected: number;
    upper: number;
}

export interface Signal {
    of: string;
    what: string;
    measured: number;
    limit: number | null;
    setting: string | null;
}

export interface Desired {
    counts: Record<string, number>;
    memory_mib: Record<string, number>;
    places: boolean;
}

export interface Guard {
    guard: string;
    passed: boolean;
    text: string;
    measured: number | null;
    limit: number | null;
    setting: string | null;
}

export interface Chain {
    signals: Signal[];
    diagnosis: Reason[];
    wanted: Desired | null;
    planned: Desired | null;
    guards: Guard[];
}

export interface Topology {
    summary: Summary;
    policy: string;
    reasons: Reason[];
    chain: Chain;
    components: Component[];
    streams: Stream[];
    workers: Worker[];
    nodes: ClusterNode[];
    unassigned: number;
    forecast: Forecast | null;
    plan: Plan | null;
    outcomes: Outcome[];
}

export interface Point {
    at: number;
    throughput: number | null;
    expected_throughput: number | null;
    latency: number | null;
    complete_latency: number | null;
    expected_latency: number | null;
    busy: number | null;
    expected_busy: number | null;
    executors: number;
    backlog: number | null;
}

export interface HistoryRecord {
    seq: number;
    engine: string;
    at: number;
    kind: string;
    topology: string;
    name: string;
    result: string;
    text: string;
    plan: string | null;
    reasons: Reason[];
}

export interface Engine {
    name: string;
    up: boolean;
    fault: string | null;
    version: string | null;
    mode: string | null;
    leads: boolean;
    at: number | null;
    problems: string[];
    store: { kind: string; up: boolean; reason: string | null } | null;
    topologies: number;
    pauses: Pause[];
    counters: Record<string, number>;
}

export interface Pause {
    scope: string;
    direction: string;
    until: number | null;
    at: number;
    who: string;
}

export interface Me {
    name: string;
    roles: string[];
}

export interface Problem {
    title: string;
    status: number;
    detail: string;
    place?: { in: 'method' | 'path' | 'query' | 'header' | 'body'; name?: string };
}
