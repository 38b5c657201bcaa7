import { may, useLive } from '../api';
import { OrderButton } from '../asking';
import { ago, compact, millis, rate, share, time } from '../format';
import type { Component, Forecast, HistoryRecord, Outcome, Page, Point, Topology } from '../types';
import { Badge, type Column, Empty, Fault, Heading, Meter, Reasons, Table } from '../ui';
import { ChainDetails } from './chain';
import { Chart, type Line } from './chart';
import { Dag } from './dag';
import { pauseAsk } from './engines';
import { Records } from './history';
import { Placement } from './placement';
import { PlanCard } from './plans';

export function TopologyPage({ engine, id }: { engine: string; id: string }) {
    const path = `/engines/${encodeURIComponent(engine)}/topologies/${encodeURIComponent(id)}`;
    const shown = useLive<Topology>(path);
    const series = useLive<Point[]>(`${path}/series`);
    const about = new URLSearchParams({ engine, topology: id, limit: '50' });
    const history = useLive<Page<HistoryRecord>>(`/history?${about}`);
    const topology = shown.data;
    const name = topology?.summary.name ?? id;
    const denied = may('operator') ? {} : { disabled: 'Your token has not the role operator' };
    return (
        <>
            <div class="head">
                <div>
                    <Heading>{name}</Heading>
                    {topology ? <Badge of={topology.summary.status || 'active'} /> : null}
                    {topology ? (
                        <Badge
                            of={
                                topology.summary.plan === 'none'
                                    ? topology.summary.verdict
                                    : topology.summary.plan
                            }
                        />
                    ) : null}
                </div>
                <div>
                    <OrderButton label="Pause" {...denied} ask={pauseAsk(engine, name, true)} />
                    <OrderButton label="Resume" {...denied} ask={pauseAsk(engine, name, false)} />
                    <OrderButton
                        label="Undo last plan"
                        {...denied}
                        ask={{
                            title: `Undo the last plan of ${name}?`,
                            text: 'Executor counts and memory become what they were before it. It is carried out as an order.',
                            confirm: 'Undo it',
                            give: (why) => [`${path}/rollback`, { why }],
                        }}
                    />
                </div>
            </div>
            <p class="muted">
                {engine} ·{' '}
                {topology
                    ? `${topology.policy}, ${topology.summary.mode}, judged ${ago(topology.summary.at)}`
                    : id}
            </p>
            <Fault text={shown.fault} />
            {topology ? (
                <Body topology={topology} points={series.data ?? []} records={history.data?.items ?? []} />
            ) : null}
        </>
    );
}

function Body({
    topology,
    points,
    records,
}: {
    topology: Topology;
    points: Point[];
    records: HistoryRecord[];
}) {
    const { summary } = topology;
    return (
        <>
            <dl class="figures">
                <Figure name="Tuples per second" value={rate(summary.throughput)} />
                <Figure name="Process latency" value={millis(summary.latency)} />
                <Figure name="Complete latency" value={millis(summary.complete_latency)} />
                <Figure name="Busiest executor" value={share(summary.busy)} />
                <Figure
                    name="Executors"
                    value={String(summary.executors)}
                    more={`in ${summary.workers} workers`}
                />
                <Figure name="Backlog" value={compact(summary.backlog)} />
                <Figure name="Level" value={String(summary.level)} />
                <Figure name="Fresh statistics" value={share(summary.coverage)} />
            </dl>
            {topology.unassigned > 0 ? (
                <p class="note bad">{topology.unassigned} executors run nowhere.</p>
            ) : null}
            <section class="card" aria-labelledby="graph">
                <h2 id="graph">Graph</h2>
                <Dag components={topology.components} streams={topology.streams} />
            </section>
            {topology.plan ? <PlanCard plan={topology.plan} /> : null}
            <div class="grid uneven">
                <section class="card flush" aria-labelledby="components">
                    <h2 id="components">Components</h2>
                    <Table of={topology.components} named={(one) => one.id} columns={COMPONENTS} />
                </section>
                <section class="card" aria-labelledby="why">
                    <h2 id="why">Why: {summary.verdict}</h2>
                    <Reasons of={topology.reasons} />
                    <ChainDetails of={topology.chain} />
                </section>
            </div>
            <Charts points={points} records={records} forecast={topology.forecast} />
            <section class="card" aria-labelledby="placement">
                <h2 id="placement">Placement</h2>
                <Placement nodes={topology.nodes} workers={topology.workers} plan={topology.plan} />
            </section>
            {topology.outcomes.length > 0 ? (
                <section class="card flush" aria-labelledby="outcomes">
                    <h2 id="outcomes">What came of plans</h2>
                    <Table of={topology.outcomes} named={(one) => one.plan} columns={OUTCOMES} />
                </section>
            ) : null}
            <section class="card flush" aria-labelledby="past">
                <h2 id="past">History</h2>
                {records.length === 0 ? (
                    <Empty>Nothing is recorded yet.</Empty>
                ) : (
                    <Records of={records} named={false} />
                )}
            </section>
        </>
    );
}

interface ChartsProps {
    points: Point[];
    records: HistoryRecord[];
    forecast: Forecast | null;
}

function Charts({ points, records, forecast }: ChartsProps) {
    const marks = records.filter((one) => one.kind === 'action').map((one) => one.at);
    const times = points.map((point) => point.at);
    const line = (label: string, key: keyof Point) => ({ label, values: points.map((point) => point[key]) });
    const shared = { times, marks };
    return (
        <div class="grid">
            <Chart
                title="Latency, predicted and realised"
                lines={[line('realised', 'latency'), line('predicted', 'expected_latency')]}
                format={millis}
                {...shared}
            />
            <Chart
                title={forecast ? 'Tuples per second, predicted and realised' : 'Tuples per second'}
                lines={load(points, forecast)}
                format={rate}
                {...shared}
                times={forecast ? [...times, forecast.due] : times}
            />
            <Chart
                title="Busiest executor, predicted and realised"
                lines={[line('realised', 'busy'), line('predicted', 'expected_busy')]}
                format={share}
                least={1}
                {...shared}
            />
            <Chart title="Executors" lines={[line('executors', 'executors')]} format={compact} {...shared} />
        </div>
    );
}

/** What sources brought, beside what was expected of them; the last that is expected lies ahead. */
function load(points: Point[], forecast: Forecast | null): Line[] {
    const realised = points.map((point) => point.throughput);
    if (!forecast) return [{ label: 'realised', values: realised }];
    const predicted = points.map((point) => point.expected_throughput);
    return [
        { label: 'realised', values: [...realised, null] },
        { label: 'predicted', values: [...predicted, forecast.expected] },
    ];
}

function Figure({ name, value, more }: { name: string; value: string; more?: string }) {
    return (
        <div>
            <dt>{name}</dt>
            <dd>
                {value} {more ? <small>{more}</small> : null}
            </dd>
        </div>
    );
}

const COMPONENTS: Column<Component>[] = [
    {
        head: 'Component',
        as: 'name',
        cell: (one) => (
            <>
                {one.id} {one.bottleneck ? <Badge of="bottleneck" tone="bad" /> : null}
                <div class="muted">{one.kind}</div>
            </>
        ),
    },
    {
        head: 'Executors',
        as: 'num',
        cell: (one) => (
            <>
                {one.executors} <span class="muted">of {one.tasks}</span>
            </>
        ),
    },
    { head: 'Tuples/s', as: 'num', cell: (one) => rate(one.rate) },
    { head: 'Can do', as: 'num', cell: (one) => rate(one.believed_capacity) },
    { head: 'Execute', as: 'num', cell: (one) => millis(one.execute_latency) },
    { head: 'Process', as: 'num', cell: (one) => millis(one.process_latency) },
    { head: 'Busiest', as: 'num', cell: (one) => <Meter value={one.busy} /> },
    { head: 'Level', as: 'num', cell: (one) => one.level || '–' },
];

/** Before → after. */
const change = <T,>(shown: (value: T) => string, [before, after]: [T, T]) => (
    <>
        {shown(before)} → {shown(after)}
    </>
);

const OUTCOMES: Column<Outcome>[] = [
    { head: 'When', cell: (one) => time(one.at) },
    { head: 'Result', cell: (one) => <Badge of={one.helped ? 'helped' : 'did not help'} /> },
    { head: 'Tuples/s', as: 'num', cell: (one) => change(rate, one.throughput) },
    { head: 'Latency', as: 'num', cell: (one) => change(millis, one.latency) },
    {
        head: 'Busiest',
        as: 'num',
        cell: (one) => (
            <>
                {change(share, one.busy)}
                {one.expected_busy === null ? null : (
                    <div class="muted">predicted {share(one.expected_busy)}</div>
                )}
            </>
        ),
    },
    { head: 'Why', as: 'wide', cell: (one) => one.text },
];
