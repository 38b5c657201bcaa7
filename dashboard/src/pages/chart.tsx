import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { time } from '../format';

export interface Line {
    label: string;
    values: (number | null)[];
}

interface ChartProps {
    title: string;
    times: number[];
    lines: Line[];
    /** When something was done. */
    marks: number[];
    format: (value: number | null) => string;
    /** The least that the axis goes up to. */
    least?: number;
}

const HEIGHT = 170;
/** Room for a time with its seconds and the half of its day, in pixels: closer together they would run into each other. */
const TIME_WIDTH = 84;
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const fineClock = new Intl.DateTimeFormat(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
});

/** Times along the axis, so fine that none is written twice. */
function clockTimes(times: number[], stepSecs: number): string[] {
    const shown = stepSecs < 60 ? fineClock : clock;
    return times.map((at) => shown.format(at * 1000));
}

function colour(name: string): string {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function draw(place: HTMLElement, props: ChartProps): uPlot {
    const muted = colour('--muted');
    const grid = { stroke: colour('--line'), width: 1 };
    const font = '11px system-ui, sans-serif';
    const series: uPlot.Series[] = props.lines.map((line, number) => ({
        label: line.label,
        stroke: colour(`--series-${number + 1}`),
        width: 1.75,
        points: { show: props.times.length < 2 },
        ...(number === 1 ? { dash: [5, 4] } : {}),
    }));
    const data = [props.times.map((at) => at / 1000), ...props.lines.map((line) => line.values)];
    const top = (most: number | null) => Math.max(props.least ?? 0, (most ?? 0) * 1.1) || 1;
    const options: uPlot.Options = {
        width: place.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_plot, _least, most) => [0, top(most)] } },
        axes: [
            {
                stroke: muted,
                grid: { show: false },
                ticks: grid,
                font,
                size: 30,
                space: TIME_WIDTH,
                values: (_plot, times, _axis, _space, step) => clockTimes(times, step),
            },
            {
                stroke: muted,
                grid,
                ticks: { show: false },
                font,
                size: 58,
                values: (_, all) => all.map((one) => props.format(one)),
            },
        ],
        series: [{}, ...series],
        hooks: { draw: [(plot) => mark(plot, props.marks)] },
    };
    return new uPlot(options, data as uPlot.AlignedData, place);
}

/** Lines where something was done. */
function mark(plot: uPlot, marks: number[]): void {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = colour('--warn');
    ctx.fillStyle = colour('--warn');
    ctx.lineWidth = devicePixelRatio;
    // The line drawn last may have been a dashed one.
    ctx.setLineDash([]);
    for (const at of marks) {
        const x = plot.valToPos(at / 1000, 'x', true);
        if (x < bbox.left || x > bbox.left + bbox.width) continue;
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        const half = 4 * devicePixelRatio;
        ctx.beginPath();
        ctx.moveTo(x - half, bbox.top);
        ctx.lineTo(x + half, bbox.top);
        ctx.lineTo(x, bbox.top + half * 1.5);
        ctx.fill();
    }
    ctx.restore();
}

function describe({ lines, times, marks, format }: ChartProps): string {
    const said = lines.map((line) => {
        const measured = line.values.filter((value) => value !== null);
        const most = measured.length > 0 ? Math.max(...measured) : null;
        const last = measured.at(-1) ?? null;
        return `${line.label}: last ${format(last)}, at most ${format(most)}`;
    });
    const since = times[0] === undefined ? '' : `, since ${time(times[0])}`;
    return `${said.join('; ')}${since}; ${marks.length} actions.`;
}

export function Chart(props: ChartProps) {
    const place = useRef<HTMLDivElement>(null);
    const latest = useRef(props);
    latest.current = props;
    const again = useRef(() => {});
    useEffect(() => {
        const element = place.current;
        if (!element) return;
        let plot: uPlot | null = null;
        again.current = () => {
            plot?.destroy();
            plot = draw(element, latest.current);
        };
        again.current();
        const sized = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: HEIGHT }));
        sized.observe(element);
        const scheme = matchMedia('(prefers-color-scheme: dark)');
        const redraw = () => again.current();
        scheme.addEventListener('change', redraw);
        addEventListener('themechange', redraw);
        return () => {
            scheme.removeEventListener('change', redraw);
            removeEventListener('themechange', redraw);
            sized.disconnect();
            plot?.destroy();
        };
    }, []);
    const shown = `${props.times.length} ${props.times.at(-1)} ${props.marks.join()}`;
    useEffect(() => again.current(), [shown]);
    return (
        <figure class="chart card">
            <h3>
                <span>{props.title}</span>
                {props.lines.length > 1 ? (
                    <span class="legend">
                        {props.lines.map((line, number) => (
                            <span key={line.label} class={number === 1 ? 'second' : ''}>
                                {line.label}
                            </span>
                        ))}
                    </span>
                ) : null}
            </h3>
            <div ref={place} class="plot" role="img" aria-label={`${props.title}. ${describe(props)}`} />
        </figure>
    );
}
