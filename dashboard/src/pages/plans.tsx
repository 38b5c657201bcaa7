import { may, useLive } from '../api';
import { OrderButton } from '../asking';
import { ago, share, time, words } from '../format';
import { place, topologyPath } from '../route';
import type { Change, Offer, Page, Place, Plan } from '../types';
import { Badge, Empty, Fault, Heading, Pager, SearchField, usePages } from '../ui';

export function isOver(plan: Plan): boolean {
    return plan.state === 'finished' || plan.state === 'given_up';
}

export function Plans() {
    const { query } = place.value;
    const q = query.get('q') ?? '';
    const wanted = new URLSearchParams({ limit: '20' });
    if (q) wanted.set('q', q);
    const pages = usePages(wanted.toString());
    if (pages.cursor) wanted.set('cursor', pages.cursor);
    const plans = useLive<Page<Plan>>(`/plans?${wanted}`);
    const items = plans.data?.items ?? [];
    const open = items.filter((plan) => !isOver(plan));
    const over = items.filter(isOver);
    const begins = pages.back === null;
    return (
        <>
            <div class="head">
                <Heading>Plans</Heading>
                <search class="fields">
                    <SearchField of="by name" value={q} />
                </search>
            </div>
            <Fault text={plans.fault} />
            {plans.data && begins && open.length === 0 ? (
                <section class="card">
                    <Empty>
                        {q
                            ? 'No plan that is proposed or under way fits.'
                            : 'No plan is proposed or under way.'}
                    </Empty>
                </section>
            ) : null}
            {open.map((plan) => (
                <PlanCard key={`${plan.engine}/${plan.id}`} plan={plan} named />
            ))}
            {over.length > 0 ? <h2>Over</h2> : null}
            {over.map((plan) => (
                <PlanCard key={`${plan.engine}/${plan.id}`} plan={plan} named />
            ))}
            {plans.data && (plans.data.next || pages.back) ? <Pager page={plans.data} pages={pages} /> : null}
        </>
    );
}

export function PlanCard({ plan, named }: { plan: Plan; named?: boolean }) {
    return (
        <section class="card" aria-label={`Plan ${plan.id} for ${plan.name}`}>
            <div class="head">
                <div>
                    <h2>
                        {named ? <a href={topologyPath(plan.engine, plan.topology)}>{plan.name}</a> : 'Plan'}
                    </h2>
                    <Badge of={plan.state} />
                    <span class="muted">
                        {words(plan.kind)}, {ago(plan.since)}
                    </span>
                </div>
                {plan.state === 'proposed' || plan.state === 'waiting' ? <Word plan={plan} /> : null}
            </div>
            {plan.no_room_beside ? (
                <p class="note warn">
                    Nodes have no room for new workers beside the old ones, so the topology stops meanwhile.
                </p>
            ) : null}
            {plan.stages_left > 0 ? (
                <p class="note">This is one stage; {plan.stages_left} more follow.</p>
            ) : null}
            {plan.offer ? <Terms offer={plan.offer} /> : null}
            {plan.expected_busy === null ? null : (
                <p class="muted">
                    At the same load, the busiest executor is expected to be busy {share(plan.expected_busy)}{' '}
                    of the time.
                </p>
            )}
            <Diff plan={plan} />
            <Nodes of={plan} />
            {plan.steps.length > 0 ? (
                <>
                    <h3>Steps{plan.strategy ? `, ${words(plan.strategy)}` : ''}</h3>
                    <ol class="steps">
                        {plan.steps.map((step) => (
                            <li key={`${step.step}${step.at}`}>
                                {words(step.step)}
                                {step.millis === null ? '' : `, ${step.millis} ms`}{' '}
                                <span class="muted">{step.text}</span>
                            </li>
                        ))}
                    </ol>
                </>
            ) : null}
            {plan.code ? <p class="note bad">{plan.code}</p> : null}
            <p class="mono muted">{plan.id}</p>
        </section>
    );
}

/** Approves of a plan, or rejects it. */
function Word({ plan }: { plan: Plan }) {
    const path = `/engines/${encodeURIComponent(plan.engine)}/plans/${encodeURIComponent(plan.id)}`;
    const off = may('approver') ? {} : { disabled: 'Your token has not the role approver' };
    return (
        <div>
            <OrderButton
                label="Reject"
                kind="danger"
                {...off}
                ask={{
                    title: `Reject the plan for ${plan.name}?`,
                    text: 'It is not carried out, and the same is not proposed again for a while.',
                    confirm: 'Reject',
                    danger: true,
                    give: (why) => [`${path}/reject`, { why }],
                }}
            />
            <OrderButton
                label="Approve"
                kind="main"
                {...off}
                ask={{
                    title: `Approve the plan for ${plan.name}?`,
                    text: describe(plan),
                    confirm: 'Approve',
                    give: (why) => [`${path}/approve`, { why }],
                }}
            />
        </div>
    );
}

function describe(plan: Plan): string {
    const counted = plan.changes.filter((one) => one.executors_after !== null);
    const changes = counted.map(
        (one) => `${one.component} ${since(one.executors_before)}${one.executors_after} executors`,
    );
    const moves = plan.moves.reduce((sum, move) => sum + move.executors, 0);
    return [...changes, `${moves} executors start in another place`, `${plan.stay} stay`].join('; ');
}

/** What comes before the new value; of a plan that has begun nobody knows what was before. */
function since(before: number | null): string {
    return before === null ? 'to ' : `${before} → `;
}

function Arrow({ before, after, unit }: { before: number | null; after: number | null; unit: string }) {
    if (after === null) return null;
    const grows = before === null || after > before;
    return (
        <span class={grows ? 'more' : 'less'}>
            {since(before)}
            {after} {unit}
        </span>
    );
}

function Terms({ offer }: { offer: Offer }) {
    const approved = offer.approved_by.length > 0 ? ` (${offer.approved_by.join(', ')})` : '';
    return (
        <p class={offer.stops ? 'note warn' : 'note'}>
            Approved by {offer.approved_by.length} of {offer.people}
            {approved}; it expires at {time(offer.expires)}, takes about {Math.round(offer.takes_secs)} s, and
            the topology {offer.stops ? 'stops meanwhile' : 'runs on'}.
        </p>
    );
}

function What({ change }: { change: Change }) {
    return (
        <>
            <Arrow before={change.executors_before} after={change.executors_after} unit="executors" />{' '}
            <Arrow before={change.memory_before} after={change.memory_after} unit="MiB" />{' '}
            {change.busy_after === null ? null : (
                <span class="muted">
                    busy {share(change.busy_before)} → {share(change.busy_after)}
                </span>
            )}
        </>
    );
}

/** Where something runs, as people call it: an engine's id of a node may say nothing to them, as Storm's does. */
function Where({ of: { host, node, port } }: { of: Place }) {
    return host ? (
        <span title={node}>
            {host}:{port}
        </span>
    ) : (
        <>
            {node}:{port}
        </>
    );
}

/** The ids of the nodes that a plan moves executors between, for who looks into the engine's own logs. */
function Nodes({ of }: { of: Plan }) {
    const places = of.moves.flatMap((move) => (move.from ? [move.from, move.to] : [move.to]));
    const hosts = new Map(places.map(({ node, host }) => [node, host]));
    const other = [...hosts].filter(([node, host]) => host && host !== node);
    if (other.length === 0) return null;
    return (
        <details class="ids">
            <summary>Ids of the nodes</summary>
            <ul class="mono muted">
                {other.map(([node, host]) => (
                    <li key={node}>
                        {host} is {node}
                    </li>
                ))}
            </ul>
        </details>
    );
}

function Diff({ plan }: { plan: Plan }) {
    return (
        <table class="diff">
            <caption class="sr">What the plan changes</caption>
            <tbody>
                {plan.changes.map((change) => (
                    <tr key={change.component}>
                        <th scope="row" class="mono">
                            {change.component}
                        </th>
                        <td>
                            <What change={change} />
                        </td>
                    </tr>
                ))}
                {plan.moves.map((move) => (
                    <tr key={JSON.stringify(move)}>
                        <th scope="row" class="mono">
                            {move.component} <span class="muted">× {move.executors}</span>
                        </th>
                        <td>
                            <span class={move.from ? 'less' : 'muted'}>
                                {move.from ? <Where of={move.from} /> : 'nowhere'}
                            </span>
                            {' → '}
                            <span class="more">
                                <Where of={move.to} />
                            </span>
                        </td>
                    </tr>
                ))}
                <tr>
                    <th scope="row" class="mono muted">
                        rest
                    </th>
                    <td class="muted">
                        {plan.stay} executors stay; {plan.workers} workers in all
                    </td>
                </tr>
            </tbody>
        </table>
    );
}
