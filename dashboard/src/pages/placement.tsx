import { share } from '../format';
import type { ClusterNode, Plan, Worker } from '../types';
import { Badge, Empty } from '../ui';
import { isOver } from './plans';

type Counts = Record<string, number>;

interface Slot {
    port: number;
    runs: Counts;
    comes: Counts;
    goes: Counts;
}

function slots(node: ClusterNode, workers: Worker[], plan: Plan | null): Slot[] {
    const found = new Map<number, Slot>();
    const slot = (port: number): Slot => {
        const there = found.get(port) ?? { port, runs: {}, comes: {}, goes: {} };
        found.set(port, there);
        return there;
    };
    for (const port of node.ports) slot(port);
    for (const worker of workers) if (worker.node === node.id) slot(worker.port).runs = worker.executors;
    const add = (to: Counts, component: string, count: number) => {
        to[component] = (to[component] ?? 0) + count;
    };
    for (const move of plan?.moves ?? []) {
        if (move.to.node === node.id) add(slot(move.to.port).comes, move.component, move.executors);
        if (move.from?.node === node.id) add(slot(move.from.port).goes, move.component, move.executors);
    }
    return [...found.values()].sort((a, b) => a.port - b.port);
}

function isFree(slot: Slot): boolean {
    return [slot.runs, slot.comes, slot.goes].every((all) => Object.keys(all).length === 0);
}

export function Placement({
    nodes,
    workers,
    plan,
}: {
    nodes: ClusterNode[];
    workers: Worker[];
    plan: Plan | null;
}) {
    const moving = plan && !isOver(plan) ? plan : null;
    if (nodes.length === 0) return <Empty>Nothing is known of the cluster's nodes.</Empty>;
    return (
        <>
            {moving ? (
                <p class="muted legend">
                    With the plan, what is marked <span class="comes">+</span> comes, and what is{' '}
                    <span class="goes">struck out</span> goes.
                </p>
            ) : null}
            <ul class="places">
                {nodes.map((node) => (
                    <NodeCard key={node.id} node={node} all={slots(node, workers, moving)} />
                ))}
            </ul>
        </>
    );
}

function NodeCard({ node, all }: { node: ClusterNode; all: Slot[] }) {
    const used = all.filter((slot) => !isFree(slot));
    const free = all.length - used.length;
    return (
        <li>
            <div class="head">
                <strong>{node.host}</strong>
                {node.draining ? <Badge of="draining" tone="warn" /> : null}
            </div>
            <div class="muted">
                power {share(node.power)}, load {share(node.load)}
                {node.rack ? `, ${node.rack}` : ''}
            </div>
            <ul class="slots">
                {used.map((slot) => (
                    <li key={slot.port}>
                        <span class="muted">{slot.port}</span>
                        <Executors of={slot.runs} kind="runs" />
                        <Executors of={slot.goes} kind="goes" />
                        <Executors of={slot.comes} kind="comes" />
                    </li>
                ))}
                {free > 0 ? (
                    <li class="free">{free === 1 ? 'one slot free' : `${free} slots free`}</li>
                ) : null}
            </ul>
        </li>
    );
}

const SAID: Record<string, string> = { goes: 'goes: ', comes: 'comes: ' };

function Executors({ of, kind }: { of: Counts; kind: 'runs' | 'goes' | 'comes' }) {
    return (
        <>
            {Object.entries(of).map(([component, count]) => (
                <span key={component} class={kind}>
                    {SAID[kind] ? <span class="sr">{SAID[kind]}</span> : null}
                    {kind === 'comes' ? '+ ' : ''}
                    {component} × {count}
                </span>
            ))}
        </>
    );
}
