// How a decision came about: what was measured, what that was taken for, what was wanted and planned, and each guard's word.

import type { ComponentChildren } from 'preact';
import type { Chain, Desired, Guard, Signal } from '../types';
import { Badge, figure, Reasons } from '../ui';

/** What was held against what, and the setting that changes it. */
function Numbers({ of }: { of: { measured: number | null; limit: number | null; setting: string | null } }) {
    const parts = [
        of.measured === null ? null : figure(of.measured),
        of.limit === null ? null : `against ${figure(of.limit)}`,
        of.setting,
    ];
    return <code>{parts.filter((part) => part !== null).join(' · ')}</code>;
}

function Stage({ named, children }: { named: string; children: ComponentChildren }) {
    return (
        <>
            <h3>{named}</h3>
            {children}
        </>
    );
}

function Signals({ of }: { of: Signal[] }) {
    return (
        <ul class="reasons">
            {of.map((signal) => (
                <li key={signal.of + signal.what}>
                    <div>
                        {signal.of}: {signal.what}
                    </div>
                    <Numbers of={signal} />
                </li>
            ))}
        </ul>
    );
}

function Wanted({ of }: { of: Desired }) {
    const counts = Object.entries(of.counts).map(([id, count]) => `${id}: ${count} executors`);
    const memory = Object.entries(of.memory_mib).map(([id, mib]) => `${id}: ${mib} MiB for each executor`);
    const placed = of.places ? ['executors are placed anew'] : [];
    return (
        <ul class="reasons">
            {[...counts, ...memory, ...placed].map((text) => (
                <li key={text}>{text}</li>
            ))}
        </ul>
    );
}

function Guards({ of }: { of: Guard[] }) {
    return (
        <ul class="reasons">
            {of.map((guard) => (
                <li key={guard.guard}>
                    <div>
                        <Badge of={guard.passed ? 'yes' : 'no'} tone={guard.passed ? 'good' : 'bad'} />{' '}
                        {guard.guard.replaceAll('_', ' ')}: {guard.text}
                    </div>
                    <Numbers of={guard} />
                </li>
            ))}
        </ul>
    );
}

export function ChainDetails({ of }: { of: Chain }) {
    return (
        <details class="chain">
            <summary>How it was decided</summary>
            {of.signals.length > 0 ? (
                <Stage named="Measured">
                    <Signals of={of.signals} />
                </Stage>
            ) : null}
            {of.diagnosis.length > 0 ? (
                <Stage named="Taken for">
                    <Reasons of={of.diagnosis} />
                </Stage>
            ) : null}
            {of.wanted ? (
                <Stage named="Wanted">
                    <Wanted of={of.wanted} />
                </Stage>
            ) : null}
            {of.planned ? (
                <Stage named="Planned">
                    <Wanted of={of.planned} />
                </Stage>
            ) : null}
            {of.guards.length > 0 ? (
                <Stage named="Guards">
                    <Guards of={of.guards} />
                </Stage>
            ) : null}
        </details>
    );
}
