/** A chart over time, drawn by uPlot, with a legend of its own and the same figures as a table beside it. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { useMedia } from "../../parts/media.ts";
import { durationText } from "../../messages/figures.ts";
import { t } from "./messages.ts";

interface Series {
  /** Its colour is that of the class `series NAME`. */
  readonly name: string;
  readonly text: string;
  readonly values: readonly number[];
  /** A line without a filled area. */
  readonly isLine?: boolean;
}

interface Props {
  readonly title: string;
  readonly seconds: readonly number[];
  readonly series: readonly Series[];
  /** The areas stand on one another. */
  readonly isStacked?: boolean;
  /** The curve moves in steps. */
  readonly isStepped?: boolean;
  readonly textOf: (value: number) => string;
  readonly children?: ComponentChildren;
}

const HEIGHT = 220;

export function Chart(
  { title, seconds, series, isStacked = false, isStepped = false, textOf, children }: Props,
) {
  const place = useRef<HTMLDivElement>(null), legend = useRef<HTMLUListElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [at, setAt] = useState<number>();
  const isDark = useMedia("(prefers-color-scheme: dark)");
  const names = series.map(({ name }) => name).join();
  const data = dataOf(seconds, series, isStacked);
  useEffect(() => {
    if (!place.current || !legend.current) return;
    const colours = [...legend.current.querySelectorAll("svg")].map((swatch) =>
      getComputedStyle(swatch).color
    );
    const { color } = getComputedStyle(place.current);
    plot.current = new uPlot(
      {
        width: Math.max(200, place.current.clientWidth),
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false } },
        scales: { x: { time: false }, y: { range: (_, __, max) => [0, Math.max(1, max * 1.05)] } },
        axes: [axis(color, (value) => durationText(value)), axis(color, textOf, 84)],
        hooks: { setCursor: [({ cursor: { idx } }) => setAt(idx ?? undefined)] },
        series: [{}, ...series.map(({ isLine }, i) => seriesOf(colours[i] ?? color, { isLine, isStepped }))],
        ...isStacked && {
          bands: series.slice(1).map((_, i) => ({ series: [i + 1, i + 2] as [number, number] })),
        },
      },
      dataOf(seconds, series, isStacked),
      place.current,
    );
    const watch = new ResizeObserver(() => {
      const width = place.current?.clientWidth ?? 0;
      if (width > 0) plot.current?.setSize({ width, height: HEIGHT });
    });
    watch.observe(place.current);
    return () => {
      watch.disconnect();
      plot.current?.destroy();
    };
  }, [isDark, names, isStacked]);
  useEffect(() => plot.current?.setData(data), [seconds, series]);
  const shown = at ?? seconds.length - 1;
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <ul ref={legend} class="legend">
          {series.map(({ name, text, values }) => (
            <li key={name}>
              <svg class={`series ${name}`} viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
                <rect width="10" height="10" rx="2" />
              </svg>{" "}
              {text} <strong>{textOf(values[shown] ?? 0)}</strong>
            </li>
          ))}
          <li class="dim">{durationText(seconds[shown] ?? 0)}</li>
        </ul>
      </figcaption>
      <div ref={place} class="plot" aria-hidden="true" />
      <FiguresTable title={title} seconds={seconds} series={series} textOf={textOf} />
      {children}
    </figure>
  );
}

const ROWS = 20;

function FiguresTable(
  { title, seconds, series, textOf }: Pick<Props, "title" | "seconds" | "series" | "textOf">,
) {
  const last = seconds.length - 1, step = Math.max(1, Math.ceil(seconds.length / ROWS));
  const rows = [...seconds.keys()].filter((i) => i % step === 0 || i === last);
  return (
    <details>
      <summary>{t("asTable")}</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label={title}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("time")}</th>
              {series.map(({ name, text }) => <th key={name} scope="col">{text}</th>)}
            </tr>
          </thead>
          <tbody>
            {rows.map((i) => (
              <tr key={i}>
                <th scope="row">{durationText(seconds[i] ?? 0)}</th>
                {series.map(({ name, values }) => <td key={name}>{textOf(values[i] ?? 0)}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

/** Stacked: each series is drawn with all those after it below it. */
function dataOf(
  seconds: readonly number[],
  series: readonly Series[],
  isStacked: boolean,
): uPlot.AlignedData {
  const columns = series.map(({ values }) => [...values]);
  if (isStacked) {
    for (let s = columns.length - 2; s >= 0; s--) {
      columns[s] = (columns[s] ?? []).map((value, i) => value + (columns[s + 1]?.[i] ?? 0));
    }
  }
  return [[...seconds], ...columns];
}

function axis(color: string, text: (value: number) => string, size?: number): uPlot.Axis {
  return {
    stroke: color,
    font: '12px system-ui, "Liberation Sans", sans-serif',
    grid: { stroke: `color-mix(in srgb, ${color} 15%, transparent)`, width: 1 },
    ticks: { show: false },
    values: (_, values) => values.map((value) => text(value)),
    space: size === undefined ? 90 : 40,
    size: size ?? 30,
  };
}

function seriesOf(
  color: string,
  { isLine, isStepped }: { isLine?: boolean | undefined; isStepped: boolean },
) {
  const stepped = isStepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
  return {
    stroke: color,
    width: 1.5,
    ...!isLine && { fill: `color-mix(in srgb, ${color} 45%, transparent)` },
    ...isLine && { dash: [5, 4] },
    points: { show: false },
    ...stepped && { paths: stepped },
  };
}
