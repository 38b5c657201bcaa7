// Where one is, as the address says.

import { signal } from '@preact/signals';

export const place = signal(read());

function read(): { parts: string[]; query: URLSearchParams } {
    const parts = location.pathname.split('/').filter(Boolean).map(decodeURIComponent);
    return { parts, query: new URLSearchParams(location.search) };
}

addEventListener('popstate', () => {
    place.value = read();
});

/** Goes somewhere; `replace` leaves no way back to where one was. */
export function go(to: string, replace = false): void {
    if (replace) history.replaceState(null, '', to);
    else history.pushState(null, '', to);
    place.value = read();
    if (!replace) {
        scrollTo(0, 0);
        // Who listens is told that the page is another one.
        requestAnimationFrame(() => document.querySelector<HTMLElement>('h1')?.focus());
    }
}

/** Links within the dashboard load nothing anew. */
export function follow(event: MouseEvent): void {
    const link = (event.target as Element | null)?.closest('a');
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || link.origin !== location.origin || link.target || link.hash) return;
    event.preventDefault();
    go(link.pathname + link.search);
}

/** Changes what the address asks for. */
export function ask(changes: Record<string, string | null>): void {
    const query = new URLSearchParams(location.search);
    for (const [key, value] of Object.entries(changes)) {
        if (value) query.set(key, value);
        else query.delete(key);
    }
    const text = query.toString();
    go(location.pathname + (text ? `?${text}` : ''), true);
}

export function topologyPath(engine: string, id: string): string {
    return `/topologies/${encodeURIComponent(engine)}/${encodeURIComponent(id)}`;
}
