import assert from "node:assert/strict";
import type { DeploymentSwarm } from "#contract/api.ts";
import { layOut } from "./swarm_layout.ts";

const nodes = (count: number, racks: number): DeploymentSwarm["nodes"] =>
  Array.from({ length: count }, (_, i) => ({
    node: `n${i}`,
    state: "installing" as const,
    ...racks > 0 && { rack: `r${i % racks}` },
    server: 0,
    web: 0,
    peers: 0,
  }));

for (
  const [count, racks, width] of [[1, 0, 340], [8, 2, 340], [500, 20, 900], [500, 0, 340], [5000, 125, 1700]]
) {
  Deno.test(`${count} nodes in ${racks} racks stand in ${width} pixels, none on another`, () => {
    const { squares, racks: boxes, side, height } = layOut(nodes(count ?? 0, racks ?? 0), width ?? 0);
    assert.equal(squares.length, count);
    assert.ok(squares.every(({ x, y }) => x >= 0 && x + side <= (width ?? 0) && y + side <= height));
    assert.equal(new Set(squares.map(({ x, y }) => `${x} ${y}`)).size, count);
    const overlap = boxes.some((a, i) =>
      boxes.some((b, j) =>
        i < j && a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
      )
    );
    assert.equal(overlap, false);
  });
}
