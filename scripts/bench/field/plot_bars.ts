/** Plots ratios to a limit as horizontal bars, with the limit dashed. Readable in light and dark mode. */
import { picture, WIDTH } from "../plot.ts";

interface RatioBar {
  readonly label: string;
  readonly value: number;
  readonly ours?: boolean;
}

const LEFT = 200, RIGHT = WIDTH - 72, TOP = 56, ROW_HEIGHT = 28;

export function plotBars(title: string, bars: readonly RatioBar[]): string {
  const most = Math.max(1, ...bars.map(({ value }) => value));
  const x = (value: number) => (LEFT + value / most * (RIGHT - LEFT)).toFixed(1);
  const bottom = TOP + bars.length * ROW_HEIGHT;
  const rows = bars.map(({ label, value, ours = false }, i) => {
    const y = TOP + i * ROW_HEIGHT;
    const width = (Number(x(value)) - LEFT).toFixed(1);
    const kind = ours ? ' class="ours"' : "";
    return `  <text${kind} x="${LEFT - 10}" y="${y + 17}" text-anchor="end">${label}</text>
  <rect x="${LEFT}" y="${y + 3}" width="${width}" height="20" rx="3" fill="${ours ? "#0080d0" : "#8a8f98"}"/>
  <text${kind} x="${x(value)}" dx="8" y="${y + 17}">${value.toFixed(2)}</text>`;
  });
  const limit = [
    `  <line class="limit" x1="${x(1)}" y1="${TOP - 4}" x2="${x(1)}" y2="${bottom + 4}"/>`,
    `  <text x="${x(1)}" y="${bottom + 22}" text-anchor="middle">limit</text>`,
  ];
  return picture(title, { height: bottom + 36, lines: [...rows, ...limit] });
}
