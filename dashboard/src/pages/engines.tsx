import { useState } from 'preact/hooks';
import { may, read, useLive } from '../api';
import { type Ask, OrderButton } from '../asking';
import { ago, time, words } from '../format';
import type { Engine } from '../types';
import { Badge, Fault, Heading } from '../ui';

const SPANS: [string, string][] = [
    ['', 'until somebody resumes it'],
    ['15', 'for 15 minutes'],
    ['60', 'for an hour'],
    ['480', 'for 8 hours'],
    ['1440', 'for a day'],
];

/** Asks to leave a topology, or a whole engine, as it is, or to go on. */
export function pauseAsk(engine: string, topology: string | null, pauses: boolean): Ask {
    const what = topology ?? `all topologies of ${engine}`;
    const path = `/engines/${encodeURIComponent(engine)}/${pauses ? 'pause' : 'resume'}`;
    return {
        title: pauses ? `Pause ${what}?` : `Resume ${what}?`,
        text: pauses
            ? 'It is measured and judged as before, but nothing of it is changed. What is under way goes on to its end.'
            : 'It may be changed again, as far as its mode allows.',
        confirm: pauses ? 'Pause' : 'Resume',
        ...(pauses ? { fields: [{ name: 'minutes', label: 'How long', options: SPANS }] } : {}),
        give: (why, { minutes }) => {
            const until = minutes ? Date.now() + Number(minutes) * 60_000 : null;
            return [path, { topology, why, ...(pauses ? { until } : {}) }];
        },
    };
}

export function Engines() {
    const engines = useLive<Engine[]>('/engines');
    return (
        <>
            <Heading>Engines</Heading>
            <Fault text={engines.fault} />
            {engines.data?.map((engine) => (
                <EngineCard key={engine.name} engine={engine} />
            ))}
        </>
    );
}

function EngineCard({ engine }: { engine: Engine }) {
    const denied = may('operator') ? {} : { disabled: 'Your token has not the role operator' };
    const counters = Object.entries(engine.counters).sort(([a], [b]) => a.localeCompare(b));
    const store = engine.store?.up
        ? engine.store.kind
        : `${engine.store?.kind}: ${engine.store?.reason ?? 'out of reach'}`;
    return (
        <section class="card" aria-label={engine.name}>
            <div class="head">
                <div>
                    <h2>{engine.name}</h2>
                    <Badge of={engine.up ? 'answers' : 'does not answer'} tone={engine.up ? 'good' : 'bad'} />
                    {engine.up ? <Badge of={engine.leads ? 'leads' : 'follows'} /> : null}
                    {engine.mode ? <Badge of={engine.mode} /> : null}
                </div>
                <div>
                    <OrderButton label="Pause" {...denied} ask={pauseAsk(engine.name, null, true)} />
                    <OrderButton label="Resume" {...denied} ask={pauseAsk(engine.name, null, false)} />
                </div>
            </div>
            <Fault text={engine.fault} />
            {engine.pauses.map((pause) => (
                <p key={pause.scope + pause.direction} class="note warn">
                    Paused: {pause.scope === '*' ? 'all topologies' : pause.scope}
                    {pause.direction === 'both' ? '' : `, only ${pause.direction}`}, by{' '}
                    {pause.who || 'somebody'}{' '}
                    {pause.until === null ? 'until somebody resumes it' : `until ${time(pause.until)}`}
                </p>
            ))}
            {engine.problems.map((problem) => (
                <p key={problem} class="note warn">
                    {problem}
                </p>
            ))}
            {engine.at === null ? null : (
                <p class="muted">
                    Version {engine.version}, looked {ago(engine.at)}, {engine.topologies} topologies, store{' '}
                    {store}
                </p>
            )}
            {counters.length > 0 ? (
                <p class="counters">
                    {counters.map(([event, count]) => (
                        <span key={event} class="badge">
                            {words(event)} {count}
                        </span>
                    ))}
                </p>
            ) : null}
            <Doctor engine={engine.name} />
        </section>
    );
}

interface Finding {
    code: string;
    about: string;
    text: string;
    mend: string;
}

function findings(answer: unknown): Finding[] {
    const all = Array.isArray(answer) ? answer : ((answer as { findings?: unknown })?.findings ?? []);
    return Array.isArray(all) ? (all as Finding[]) : [];
}

function Doctor({ engine }: { engine: string }) {
    const [found, setFound] = useState<Finding[] | null>(null);
    const [fault, setFault] = useState<string | null>(null);
    const [asks, setAsks] = useState(false);
    function look() {
        setAsks(true);
        setFault(null);
        read<unknown>(`/engines/${encodeURIComponent(engine)}/doctor`)
            .then((answer) => setFound(findings(answer)))
            .catch((error: Error) => setFault(error.message))
            .finally(() => setAsks(false));
    }
    return (
        <>
            <button type="button" onClick={look} disabled={asks}>
                Examine
            </button>
            <div role="status" class="found">
                {fault ? <p class="note warn">{fault}</p> : null}
                {found?.length === 0 ? <p class="note">Nothing keeps elasticity from working.</p> : null}
                <ul class="reasons">
                    {found?.map((one) => (
                        <li key={one.code + one.about}>
                            {one.about ? <strong>{one.about}: </strong> : null}
                            {one.text}
                            <div>
                                <code>{[one.code, one.mend].filter(Boolean).join(' · ')}</code>
                            </div>
                        </li>
                    ))}
                </ul>
            </div>
        </>
    );
}
