import assert from "node:assert/strict";
import type { CaptureView } from "#contract/api.ts";
import type { AgentTokens } from "../../store/agent_tokens.ts";
import type { Templates } from "../../store/templates.ts";
import { Backups } from "./backups.ts";
import type { CaptureOrders } from "./capture_orders.ts";
import type { Fleet } from "../fleet.ts";
import type { Captures, Images } from "../ports.ts";

type Ordered = Parameters<CaptureOrders["order"]>;

/** Backups of nodes and templates that are only names; records what is ordered. */
function backupsOf(
  nodes: readonly { name: string; image?: string; every?: number }[],
  { online }: { online: readonly string[] },
): { backups: Backups; ordered: Ordered[] } {
  const ordered: Ordered[] = [];
  const views = nodes.map(({ name, image, every }) => ({
    id: `id-${name}`,
    name,
    settings: { backupEverySeconds: every },
    ...(image !== undefined && { image }),
  }));
  const backups = new Backups({
    fleet: {
      list: () => views,
      get: (key: string) => views.find((view) => view.name === key),
    } as unknown as Fleet,
    templates: {
      list: () => online.map((name) => ({ id: `t-${name}`, name, online: true })),
    } as unknown as Templates,
    captures: { list: () => [] } as unknown as Captures,
    images: { list: () => [] } as unknown as Images,
    orders: {
      order: (...order: Ordered) => {
        ordered.push(order);
        return { id: "c1" } as CaptureView;
      },
    } as unknown as CaptureOrders,
    agents: {} as AgentTokens,
    nameOf: () => undefined,
    pin: "pin",
    server: () => "https://10.0.0.1:8443",
    now: () => Date.parse("2026-06-30T12:00:00Z"),
  });
  return { backups, ordered };
}

Deno.test("a backup is named after its node and shares the packs of the node's assigned image", () => {
  const { backups, ordered } = backupsOf([{ name: "Web-1", image: "web@3" }], { online: ["Web-1"] });
  backups.begin("Web-1");
  const [[request, from] = []] = ordered;
  assert.deepEqual(request, { image: "web-1", level: 9, excludes: [] });
  assert.equal(from?.backupOf, "Web-1");
  assert.equal(from?.base, "web");
  assert.equal(from?.template.id, "t-Web-1");
});

Deno.test("a node without a connected agent is not backed up, and the error says what to do", () => {
  const { backups, ordered } = backupsOf([{ name: "n1" }], { online: ["n2"] });
  assert.throws(() => backups.begin("n1"), { status: 409, remedy: /rackseed node agent n1/ });
  assert.deepEqual(ordered, []);
});

Deno.test("the schedule begins the due backups of connected nodes", () => {
  const nodes = [{ name: "n1", every: 3600 }, { name: "n2" }, { name: "n3", every: 3600 }];
  const { backups, ordered } = backupsOf(nodes, { online: ["n2", "n3"] });
  backups.tick();
  assert.deepEqual(ordered.map(([request]) => request.image), ["n3"]);
});
