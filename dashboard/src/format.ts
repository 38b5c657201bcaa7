// Figures for people. What was not measured is a dash, never zero.

const NONE = '–';

export function rate(value: number | null | undefined): string {
    if (value === null || value === undefined) return NONE;
    if (value === 0) return '0';
    if (value < 10) return value.toFixed(value < 1 ? 2 : 1);
    return compact(value);
}

export function compact(value: number | null | undefined): string {
    if (value === null || value === undefined) return NONE;
    const abs = Math.abs(value);
    for (const [size, unit] of [
        [1e9, 'G'],
        [1e6, 'M'],
        [1e3, 'k'],
    ] as const) {
        if (abs >= size) return `${(value / size).toFixed(abs >= size * 100 ? 0 : 1)}${unit}`;
    }
    return String(Math.round(value));
}

export function millis(value: number | null | undefined): string {
    if (value === null || value === undefined) return NONE;
    if (value >= 60_000) return `${(value / 60_000).toFixed(1)} min`;
    if (value >= 1000) return `${(value / 1000).toFixed(value >= 10_000 ? 0 : 1)} s`;
    if (value === 0) return '0 ms';
    return `${value < 0.1 ? value.toFixed(3) : value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

export function share(value: number | null | undefined): string {
    return value === null || value === undefined ? NONE : `${Math.round(value * 100)} %`;
}

const sameDay = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const otherDay = new Intl.DateTimeFormat(undefined, {
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
});

export function time(at: number): string {
    if (!at) return NONE;
    const near = Math.abs(Date.now() - at) < 12 * 3_600_000;
    return (near ? sameDay : otherDay).format(at);
}

export function ago(at: number): string {
    const secs = Math.max(0, Math.round((Date.now() - at) / 1000));
    if (secs < 90) return `${secs} s ago`;
    if (secs < 5400) return `${Math.round(secs / 60)} min ago`;
    if (secs < 129_600) return `${Math.round(secs / 3600)} h ago`;
    return `${Math.round(secs / 86_400)} d ago`;
}

/** `make_before_break` as people write it. */
export function words(code: string): string {
    return code.toLowerCase().replaceAll(/[_-]/g, ' ');
}
