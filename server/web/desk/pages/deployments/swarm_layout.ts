/** Where everything of the swarm's picture stands: the server above, racks as groups of squares below. Pure. */
import type { DeploymentSwarm } from "#contract/api.ts";

type SwarmNode = DeploymentSwarm["nodes"][number];

export interface Square {
  readonly node: SwarmNode;
  readonly x: number;
  readonly y: number;
}
interface Rack {
  readonly rack: string | undefined;
  readonly nodes: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
export interface Layout {
  readonly height: number;
  /** Side of a square. */
  readonly side: number;
  readonly server: { readonly x: number; readonly y: number };
  readonly racks: readonly Rack[];
  readonly squares: readonly Square[];
}

const MARGIN = 10, GAP = 4, TITLE = 18, BETWEEN = 14, TOP = 78;

/** Racks stand side by side as long as they fit, in the order of their names; nodes without one come last. */
export function layOut(nodes: readonly SwarmNode[], width: number): Layout {
  const side = nodes.length > 600 ? 9 : nodes.length > 150 ? 13 : 18;
  const groups = [...Map.groupBy(nodes, ({ rack }) => rack)]
    .sort(([a], [b]) =>
      a === undefined ? 1 : b === undefined ? -1 : a.localeCompare(b, "en", { numeric: true })
    );
  const racks: Rack[] = [], squares: Square[] = [];
  let x = MARGIN, y = TOP, rowHeight = 0;
  for (const [rack, members] of groups) {
    const most = Math.max(1, Math.floor((width - 4 * MARGIN + GAP) / (side + GAP)));
    // a group alone takes the width; among others it is about square
    const wanted = groups.length === 1 ? most : Math.max(5, Math.ceil(Math.sqrt(members.length * 1.6)));
    const columns = Math.min(most, wanted, Math.max(members.length, 5));
    const rows = Math.ceil(members.length / columns);
    const box = {
      width: columns * (side + GAP) - GAP + 2 * MARGIN,
      height: TITLE + rows * (side + GAP) - GAP + 2 * MARGIN,
    };
    if (x > MARGIN && x + box.width > width - MARGIN) {
      x = MARGIN;
      y += rowHeight + BETWEEN;
      rowHeight = 0;
    }
    racks.push({ rack, nodes: members.length, x, y, ...box });
    for (const [i, node] of members.entries()) {
      squares.push({
        node,
        x: x + MARGIN + (i % columns) * (side + GAP),
        y: y + MARGIN + TITLE + Math.floor(i / columns) * (side + GAP),
      });
    }
    x += box.width + BETWEEN;
    rowHeight = Math.max(rowHeight, box.height);
  }
  const right = Math.max(...racks.map(({ x, width }) => x + width), 0);
  // above the racks, which may be few in a wide window
  const middle = Math.min(width / 2, Math.max(60, (MARGIN + right) / 2));
  return { height: y + rowHeight + MARGIN, side, server: { x: middle, y: 26 }, racks, squares };
}
