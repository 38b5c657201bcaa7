import dagre from '@dagrejs/dagre';
import { useMemo, useState } from 'preact/hooks';
import { millis, rate, share } from '../format';
import type { Component, Stream } from '../types';
import { tone } from '../ui';

const WIDTH = 190;
const HEIGHT = 92;

interface Spot {
    x: number;
    y: number;
}

interface Laid {
    width: number;
    height: number;
    nodes: Map<string, Spot>;
    edges: { from: string; to: string; points: Spot[] }[];
}

function layout(ids: string[], streams: Stream[], down: boolean): Laid {
    const graph = new dagre.graphlib.Graph();
    graph.setGraph({
        rankdir: down ? 'TB' : 'LR',
        nodesep: 28,
        ranksep: down ? 56 : 88,
        marginx: 4,
        marginy: 4,
    });
    graph.setDefaultEdgeLabel(() => ({}));
    for (const id of ids) graph.setNode(id, { width: WIDTH, height: HEIGHT });
    for (const { from, to } of streams) if (from !== to) graph.setEdge(from, to);
    dagre.layout(graph);
    const size = graph.graph() as { width?: number; height?: number };
    const nodes = new Map(ids.map((id) => [id, graph.node(id) as Spot]));
    const edges = graph.edges().map((edge) => ({
        from: edge.v,
        to: edge.w,
        points: (graph.edge(edge) as { points?: Spot[] }).points ?? [],
    }));
    return { width: size.width ?? 0, height: size.height ?? 0, nodes, edges };
}

export function Dag({ components, streams }: { components: Component[]; streams: Stream[] }) {
    const shown = components.filter((one) => one.kind !== 'system');
    const ids = shown.map((one) => one.id);
    const between = streams.filter((one) => ids.includes(one.from) && ids.includes(one.to));
    const narrow = matchMedia('(max-width: 760px)').matches;
    // It is laid out anew only when its shape changes.
    const key = JSON.stringify([ids, between.map((one) => [one.from, one.to]), narrow]);
    const laid = useMemo(() => layout(ids, between, narrow), [key]);
    const [chosen, choose] = useState<string | null>(null);
    const one = shown.find((component) => component.id === chosen);
    const rates = new Map<string, number>();
    for (const stream of between) {
        const name = `${stream.from}\n${stream.to}`;
        if (stream.rate !== null) rates.set(name, (rates.get(name) ?? 0) + stream.rate);
    }
    return (
        <>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
            <section class="dag" tabIndex={0} aria-label="Graph of components">
                <svg
                    width={laid.width}
                    height={laid.height}
                    viewBox={`0 0 ${laid.width} ${laid.height}`}
                    role="group"
                    aria-label="Components and streams"
                >
                    <defs>
                        <marker
                            id="tip"
                            viewBox="0 0 8 8"
                            refX="7"
                            refY="4"
                            markerWidth="7"
                            markerHeight="7"
                            orient="auto"
                        >
                            <path d="M0 0L8 4L0 8z" />
                        </marker>
                    </defs>
                    {laid.edges.map((edge) => (
                        <Edge
                            key={`${edge.from}\n${edge.to}`}
                            points={edge.points}
                            label={rates.get(`${edge.from}\n${edge.to}`)}
                        />
                    ))}
                    {shown.map((component) => (
                        <Node
                            key={component.id}
                            one={component}
                            at={laid.nodes.get(component.id) ?? { x: 0, y: 0 }}
                            chosen={component.id === chosen}
                            choose={() => choose(component.id === chosen ? null : component.id)}
                        />
                    ))}
                </svg>
            </section>
            <div role="status">{one ? <Details one={one} /> : null}</div>
        </>
    );
}

function Edge({ points, label }: { points: Spot[]; label: number | undefined }) {
    const path = points.map((point, place) => `${place === 0 ? 'M' : 'L'}${point.x} ${point.y}`).join('');
    const middle = points[Math.floor(points.length / 2)];
    const text = label === undefined ? '' : `${rate(label)}/s`;
    return (
        <g aria-hidden="true">
            <path class="edge" d={path} marker-end="url(#tip)" />
            {text && middle ? (
                <g class="edge-label">
                    <rect
                        x={middle.x - text.length * 3.6 - 3}
                        y={middle.y - 9}
                        width={text.length * 7.2 + 6}
                        height="18"
                    />
                    <text class="soft" x={middle.x} y={middle.y + 4} text-anchor="middle">
                        {text}
                    </text>
                </g>
            ) : null}
        </g>
    );
}

function cut(text: string, most: number): string {
    return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

interface NodeProps {
    one: Component;
    at: Spot;
    chosen: boolean;
    choose: () => void;
}

function Node({ one, at, chosen, choose }: NodeProps) {
    const figures = `${one.executors} executors, ${rate(one.rate)} tuples per second, busy ${share(one.busy)}`;
    const label = `${one.id}, ${one.kind}: ${figures}${one.bottleneck ? ', the bottleneck' : ''}`;
    const wide = WIDTH - 24;
    return (
        <g
            class={`node ${one.kind} ${one.bottleneck ? 'hot' : ''}`}
            transform={`translate(${at.x - WIDTH / 2} ${at.y - HEIGHT / 2})`}
            role="button"
            tabindex={0}
            aria-label={label}
            aria-pressed={chosen}
            onClick={choose}
            onKeyDown={(event) => {
                if (event.key !== 'Enter' && event.key !== ' ') return;
                event.preventDefault();
                choose();
            }}
        >
            <rect class="box" width={WIDTH} height={HEIGHT} rx="8" />
            <text class="title" x="12" y="21">
                {cut(one.id, one.bottleneck ? 15 : 24)}
            </text>
            {one.bottleneck ? (
                <text class="flag" x={WIDTH - 10} y="21" text-anchor="end">
                    bottleneck
                </text>
            ) : null}
            <text class="soft" x="12" y="41">
                {one.executors} × · {rate(one.rate)}/s
            </text>
            <text class="soft" x="12" y="59">
                {millis(one.execute_latency ?? one.process_latency)}
                {one.level > 0 ? ` · level ${one.level}` : ''}
            </text>
            <text class="soft" x={WIDTH - 12} y="59" text-anchor="end">
                {share(one.busy)}
            </text>
            <rect class="track" x="12" y="72" width={wide} height="6" rx="3" />
            <rect
                class={`fill ${tone(one.busy)}`}
                x="12"
                y="72"
                width={wide * Math.min(1, one.busy ?? 0)}
                height="6"
                rx="3"
            />
        </g>
    );
}

function Details({ one }: { one: Component }) {
    return (
        <p class="note">
            <strong>{one.id}</strong>: {one.executors} of at most {one.tasks} executors, {one.measured}{' '}
            measured; {rate(one.rate)} tuples/s
            {one.believed_capacity === null
                ? ''
                : ` of ${rate(one.believed_capacity)} that it can probably do`}
            ; busy {share(one.mean_busy)} on average, {share(one.busy)} at most.
        </p>
    );
}
