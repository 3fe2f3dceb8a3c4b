/** Who feeds whom right now: a picture of racks and lines, and the same in tables. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { DeploymentSwarm } from "#contract/api.ts";
import { countText, rateText } from "../../messages/figures.ts";
import { stateText } from "../../messages/states.ts";
import { useMedia } from "../../parts/media.ts";
import { t } from "./messages.ts";
import { type Colours, drawSwarm } from "./swarm_drawing.ts";
import { layOut } from "./swarm_layout.ts";

type SwarmNode = DeploymentSwarm["nodes"][number];

export function SwarmPicture({ swarm }: { swarm: DeploymentSwarm }) {
  const canvas = useRef<HTMLCanvasElement>(null), legend = useRef<HTMLUListElement>(null);
  const [width, setWidth] = useState(0);
  const [pointed, setPointed] = useState<string>();
  const isDark = useMedia("(prefers-color-scheme: dark)");
  const layout = useMemo(() => layOut(swarm.nodes, width), [swarm, width]);
  useEffect(() => {
    const place = canvas.current?.parentElement;
    if (!place) return;
    const watch = new ResizeObserver(() => setWidth(place.clientWidth));
    watch.observe(place);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    if (!canvas.current || !legend.current || width === 0) return;
    const words = { server: t("server"), noRack: t("noRack") };
    drawSwarm(canvas.current, { swarm, layout, width, colours: coloursOf(legend.current), words });
  }, [swarm, layout, width, isDark]);
  const nodeAt = ({ offsetX, offsetY }: MouseEvent) =>
    layout.squares.find(({ x, y }) =>
      offsetX >= x && offsetX <= x + layout.side && offsetY >= y && offsetY <= y + layout.side
    )?.node.node;
  const node = swarm.nodes.find(({ node }) => node === pointed);
  return (
    <>
      <ul ref={legend} class="legend">
        {(["server", "web", "peers"] as const).map((name) => (
          <li key={name}>
            <Swatch name={name} /> {t(name)}
          </li>
        ))}
        {(["done", "failed", "armed"] as const).map((name) => (
          <li key={name}>
            <Swatch name={name} /> {t(name)}
          </li>
        ))}
      </ul>
      <p>{describe(swarm)}</p>
      <div class="swarm">
        <canvas
          ref={canvas}
          role="img"
          aria-label={describe(swarm)}
          height={layout.height}
          onMouseMove={(event) => setPointed(nodeAt(event))}
          onMouseLeave={() => setPointed(undefined)}
        />
      </div>
      <p class="dim">{node ? describeNode(node, swarm) : "\u00a0"}</p>
      <details>
        <summary>{t("asTable")}</summary>
        <SwarmTables swarm={swarm} />
      </details>
    </>
  );
}

function Swatch({ name }: { name: string }) {
  return (
    <svg class={`series ${name}`} viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
      <rect width="10" height="10" rx="2" />
    </svg>
  );
}

/** The colours of the style sheet, as the browser works them out. */
function coloursOf(legend: HTMLElement): Colours {
  const of = (name: string) => {
    const swatch = legend.querySelector(`.${name}`);
    return swatch ? getComputedStyle(swatch).color : "gray";
  };
  const { color, borderColor } = getComputedStyle(legend);
  return {
    ink: getComputedStyle(document.body).color,
    dim: color,
    line: borderColor,
    server: of("server"),
    web: of("web"),
    peers: of("peers"),
    done: of("done"),
    failed: of("failed"),
    waiting: of("armed"),
  };
}

function describe({ nodes, lines }: DeploymentSwarm): string {
  return t("swarmText", {
    nodes: nodes.length,
    racks: new Set(nodes.map(({ rack }) => rack)).size,
    served: nodes.filter(({ server, web }) => server + web > 0).length,
    lines: lines.length,
  });
}

function describeNode(
  { node, rack, state, percent, server, web, peers }: SwarmNode,
  { lines }: DeploymentSwarm,
) {
  const givers = lines.filter(({ to }) => to === node).map(({ from }) => from).slice(0, 8);
  return [
    node,
    rack,
    stateText({ state }),
    percent === undefined ? undefined : `${percent} %`,
    server + web > 0 ? `${t("fromServer")} ${rateText(server + web)}` : undefined,
    peers > 0
      ? `${t("fromNodes")} ${rateText(peers)}${givers.length > 0 ? ` (${givers.join(", ")})` : ""}`
      : undefined,
  ].filter(Boolean).join(" · ");
}

const ROWS = 50;

function SwarmTables({ swarm: { nodes, lines } }: { swarm: DeploymentSwarm }) {
  const racks = [...Map.groupBy(nodes, ({ rack }) => rack)];
  const sum = (of: readonly SwarmNode[], rate: (node: SwarmNode) => number) =>
    rateText(of.reduce((total, node) => total + rate(node), 0));
  return (
    <div class="columns">
      <div class="scroll" tabIndex={0} role="region" aria-label={t("rack")}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("rack")}</th>
              <th scope="col">{t("nodesColumn")}</th>
              <th scope="col">{t("fromServer")}</th>
              <th scope="col">{t("fromNodes")}</th>
              <th scope="col">{t("seeds")}</th>
            </tr>
          </thead>
          <tbody>
            {racks.map(([rack, members]) => (
              <tr key={rack ?? ""}>
                <th scope="row">{rack ?? t("noRack")}</th>
                <td>{countText(members.length)}</td>
                <td>{sum(members, ({ server, web }) => server + web)}</td>
                <td>{sum(members, ({ peers }) => peers)}</td>
                <td>{countText(members.filter(({ seeds }) => seeds).length)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label={t("swarm")}>
        {lines.length === 0 ? <p class="empty">{t("over")}</p> : (
          <table>
            <thead>
              <tr>
                <th scope="col">{t("from")}</th>
                <th scope="col">{t("to")}</th>
                <th scope="col">{t("rate")}</th>
              </tr>
            </thead>
            <tbody>
              {lines.slice(0, ROWS).map(({ from, to, bytesPerSecond }) => (
                <tr key={`${from} ${to}`}>
                  <td>{from}</td>
                  <td>{to}</td>
                  <td>{rateText(bytesPerSecond)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </div>
  );
}
