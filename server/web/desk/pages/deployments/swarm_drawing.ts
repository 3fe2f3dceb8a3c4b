/** Draws the swarm's picture on a canvas. */
import type { DeploymentSwarm } from "#contract/api.ts";
import type { Layout, Square } from "./swarm_layout.ts";

export interface Colours {
  readonly ink: string;
  readonly dim: string;
  readonly line: string;
  readonly server: string;
  readonly web: string;
  readonly peers: string;
  readonly done: string;
  readonly failed: string;
  readonly waiting: string;
}

interface Words {
  readonly server: string;
  readonly noRack: string;
}

/** Lines between nodes at most: more are a blot. The table beside the picture has all. */
const LINES_DRAWN = 600;
const FULL_TURN = 2 * Math.PI;

export function drawSwarm(
  canvas: HTMLCanvasElement,
  { swarm, layout, width, colours, words }: {
    swarm: DeploymentSwarm;
    layout: Layout;
    width: number;
    colours: Colours;
    words: Words;
  },
): void {
  const scale = devicePixelRatio || 1, context = canvas.getContext("2d");
  if (!context) return;
  const size = { width: Math.round(width * scale), height: Math.round(layout.height * scale) };
  if (canvas.width !== size.width) canvas.width = size.width;
  if (canvas.height !== size.height) canvas.height = size.height;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, layout.height);
  drawRacks(context, { layout, colours, words });
  drawLines(context, { swarm, layout, colours });
  for (const square of layout.squares) drawSquare(context, square, { side: layout.side, colours });
  drawServer(context, { layout, colours, words });
}

function drawRacks(
  context: CanvasRenderingContext2D,
  { layout, colours, words }: { layout: Layout; colours: Colours; words: Words },
): void {
  context.font = '12px system-ui, "Liberation Sans", "Noto Sans CJK SC", sans-serif';
  context.textBaseline = "alphabetic";
  context.textAlign = "left";
  for (const { rack, x, y, width, height } of layout.racks) {
    context.strokeStyle = colours.line;
    context.lineWidth = 1;
    context.beginPath();
    context.roundRect(x + 0.5, y + 0.5, width - 1, height - 1, 6);
    context.stroke();
    context.fillStyle = colours.dim;
    context.fillText(rack ?? words.noRack, x + 10, y + 18, width - 20);
  }
}

function drawLines(
  context: CanvasRenderingContext2D,
  { swarm, layout: { squares, side, server }, colours }: {
    swarm: DeploymentSwarm;
    layout: Layout;
    colours: Colours;
  },
): void {
  const middles = new Map(squares.map(({ node, x, y }) => [node.node, { x: x + side / 2, y: y + side / 2 }]));
  const lines = swarm.lines.slice(0, LINES_DRAWN);
  const fromServer = swarm.nodes.map((node) => node.server + node.web);
  const most = Math.max(1, ...fromServer, ...lines.map(({ bytesPerSecond }) => bytesPerSecond));
  const stroke = (rate: number, colour: string) => {
    context.strokeStyle = colour;
    context.globalAlpha = 0.2 + 0.6 * rate / most;
    context.lineWidth = 0.6 + 2.6 * rate / most;
    context.beginPath();
  };
  for (const { from, to, bytesPerSecond } of lines) {
    const a = middles.get(from), b = middles.get(to);
    if (!a || !b) continue;
    stroke(bytesPerSecond, colours.peers);
    context.moveTo(a.x, a.y);
    // bent, so that a line there and a line back are two
    context.quadraticCurveTo((a.x + b.x) / 2 + (b.y - a.y) / 6, (a.y + b.y) / 2 - (b.x - a.x) / 6, b.x, b.y);
    context.stroke();
  }
  for (const node of swarm.nodes) {
    const to = middles.get(node.node), rate = node.server + node.web;
    if (!to || rate === 0) continue;
    stroke(rate, node.web > node.server ? colours.web : colours.server);
    context.moveTo(server.x, server.y + 16);
    context.bezierCurveTo(server.x, server.y + 60, to.x, to.y - 50, to.x, to.y);
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** The state by shape and colour: filled from below while it fetches, a tick, a cross, a dot. */
function drawSquare(
  context: CanvasRenderingContext2D,
  { node: { state, percent = 0, seeds, silent }, x, y }: Square,
  { side, colours }: { side: number; colours: Colours },
): void {
  const isDone = state === "installed" || state === "running",
    isFailed = state === "failed" || state === "aborted";
  const colour = isFailed
    ? colours.failed
    : isDone || seeds
    ? colours.done
    : state === "armed"
    ? colours.waiting
    : colours.server;
  context.clearRect(x, y, side, side);
  context.strokeStyle = context.fillStyle = silent ? colours.failed : colour;
  context.lineWidth = 1.5;
  context.setLineDash(silent ? [2, 2] : []);
  context.strokeRect(x + 0.75, y + 0.75, side - 1.5, side - 1.5);
  context.setLineDash([]);
  if (isDone || seeds) {
    context.fillRect(x, y, side, side);
    context.strokeStyle = context.fillStyle = "Canvas";
    context.beginPath();
    context.moveTo(x + side * 0.22, y + side * 0.52);
    context.lineTo(x + side * 0.42, y + side * 0.72);
    context.lineTo(x + side * 0.78, y + side * 0.3);
    context.stroke();
  } else if (isFailed) {
    context.beginPath();
    context.moveTo(x + side * 0.28, y + side * 0.28);
    context.lineTo(x + side * 0.72, y + side * 0.72);
    context.moveTo(x + side * 0.72, y + side * 0.28);
    context.lineTo(x + side * 0.28, y + side * 0.72);
    context.stroke();
  } else if (state === "armed") {
    context.beginPath();
    context.arc(x + side / 2, y + side / 2, side / 8, 0, FULL_TURN);
    context.fill();
  } else {
    const height = (side - 3) * percent / 100;
    context.fillRect(x + 1.5, y + side - 1.5 - height, side - 3, height);
  }
}

function drawServer(
  context: CanvasRenderingContext2D,
  { layout: { server }, colours, words }: { layout: Layout; colours: Colours; words: Words },
): void {
  context.font = '600 13px system-ui, "Liberation Sans", "Noto Sans CJK SC", sans-serif';
  const width = context.measureText(words.server).width + 28;
  context.clearRect(server.x - width / 2, server.y - 16, width, 32);
  context.strokeStyle = context.fillStyle = colours.server;
  context.lineWidth = 2;
  context.beginPath();
  context.roundRect(server.x - width / 2, server.y - 15, width, 30, 6);
  context.stroke();
  context.fillStyle = colours.ink;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(words.server, server.x, server.y);
}
