// How the server is asked. Answers are kept with their tags, so that what has not changed costs nothing.

import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { Me, Problem } from './types';

const KEY = 'thalweg-token';

/** Counts what has changed at the server; who shows anything asks anew when it grows. */
export const changes = signal(0);
/** Whether the server tells of changes. */
export const live = signal(false);
/** Who asks; nothing as long as that is not known. */
export const me = signal<Me | null>(null);
/** Whether a token has to be given. */
export const locked = signal(false);

let token = sessionStorage.getItem(KEY) ?? '';
const known = new Map<string, { tag: string; body: unknown }>();
const KNOWN = 50;

export class Refused extends Error {
    constructor(
        readonly status: number,
        detail: string,
    ) {
        super(detail);
    }
}

function headers(more: Record<string, string> = {}): HeadersInit {
    return token ? { Authorization: `Bearer ${token}`, ...more } : more;
}

async function refusal(response: Response): Promise<Refused> {
    if (response.status === 401) locked.value = true;
    const problem = (await response.json().catch(() => null)) as Problem | null;
    return new Refused(response.status, problem?.detail ?? `the server answered ${response.status}`);
}

/** Reads something. */
export async function read<T>(path: string, abort?: AbortSignal): Promise<T> {
    const before = known.get(path);
    const asked = headers(before ? { 'If-None-Match': before.tag } : {});
    const response = await fetch(`/v1${path}`, { headers: asked, cache: 'no-store', signal: abort ?? null });
    if (response.status === 304 && before) return before.body as T;
    if (!response.ok) throw await refusal(response);
    const body = (await response.json()) as T;
    const tag = response.headers.get('etag');
    if (tag) {
        known.delete(path);
        known.set(path, { tag, body });
        const oldest = known.keys().next().value;
        if (known.size > KNOWN && oldest !== undefined) known.delete(oldest);
    }
    return body;
}

/** Gives an order. */
export async function order(path: string, body: unknown = {}, method = 'POST'): Promise<unknown> {
    const response = await fetch(`/v1${path}`, {
        method,
        headers: headers({ 'Content-Type': 'application/json' }),
        body: method === 'DELETE' ? null : JSON.stringify(body),
    });
    if (!response.ok) throw await refusal(response);
    changes.value++;
    return response.json();
}

/** Takes a token, or forgets it. */
export async function enter(given: string): Promise<void> {
    token = given.trim();
    known.clear();
    if (token) sessionStorage.setItem(KEY, token);
    else sessionStorage.removeItem(KEY);
    me.value = null;
    me.value = await read<Me>('/me');
    locked.value = false;
    changes.value++;
}

/** Whether whoever asks may act in a role. */
export function may(role: string): boolean {
    return me.value?.roles.includes(role) ?? false;
}

/** Follows the server's events for ever; `EventSource` cannot send a token. */
export async function follow(): Promise<void> {
    for (let pause = 500; ; pause = Math.min(pause * 2, 10_000)) {
        try {
            if (!me.value) me.value = await read<Me>('/me');
            const response = await fetch('/v1/events', { headers: headers(), cache: 'no-store' });
            if (!response.ok || !response.body) throw await refusal(response);
            live.value = true;
            pause = 500;
            for await (const text of lines(response.body)) {
                if (text.startsWith('event: changed')) changes.value++;
            }
        } catch {
            // It is tried again below.
        }
        live.value = false;
        await new Promise((done) => setTimeout(done, pause));
    }
}

async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
    const reader = body
        .pipeThrough(new TextDecoderStream() as never)
        .getReader() as ReadableStreamDefaultReader<string>;
    let rest = '';
    for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        const parts = (rest + value).split('\n');
        rest = parts.pop() ?? '';
        yield* parts;
    }
}

export interface Live<T> {
    data: T | null;
    fault: string | null;
}

/** What the server answers, kept fresh. What was shown stays while it is asked anew. */
export function useLive<T>(path: string | null): Live<T> {
    const [shown, show] = useState<Live<T> & { path: string | null }>({ data: null, fault: null, path });
    const number = changes.value;
    useEffect(() => {
        if (path === null || locked.value) return;
        const abort = new AbortController();
        read<T>(path, abort.signal).then(
            // What has not changed is not shown anew.
            (data) =>
                show((before) =>
                    before.path === path && before.data === data && before.fault === null
                        ? before
                        : { data, fault: null, path },
                ),
            (error: Error) => {
                if (abort.signal.aborted) return;
                show((before) => ({
                    data: before.path === path ? before.data : null,
                    fault: error.message,
                    path,
                }));
            },
        );
        return () => abort.abort();
    }, [path, number, locked.value]);
    return shown.path === path ? shown : { data: null, fault: null };
}
