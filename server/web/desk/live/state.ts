/** The live state of the site, as signals: a part of a page that reads one is drawn again when it changes. */
import { computed, signal } from "@preact/signals";
import type { DeskMessage, DeskNode, DeskSite, DeskUser, Stale } from "#contract/desk.ts";
import type { CaptureView, MachineView, Notice, TemplateView } from "#contract/api.ts";
import type { SwarmSettings } from "#contract/api/distribution.ts";

/** "lost" since `since`, in milliseconds since 1970. */
type Connection = { readonly is: "connecting" } | { readonly is: "live" } | {
  readonly is: "lost";
  readonly since: number;
};

export const connection = signal<Connection>({ is: "connecting" });
export const user = signal<DeskUser | undefined>(undefined);
export const site = signal<DeskSite | undefined>(undefined);
/** Bytes of images that the server sends per second; undefined until measured. */
export const sendingRate = signal<number | undefined>(undefined);
export const notices = signal<readonly Notice[]>([]);
export const swarm = signal<SwarmSettings | undefined>(undefined);
export const machines = signal<readonly MachineView[]>([]);
export const templates = signal<readonly TemplateView[]>([]);
/** Newest first. */
export const captures = signal<readonly CaptureView[]>([]);
/** How often each list became stale: see api/resource.ts. */
export const staleness = signal<Partial<Record<Stale, number>>>({});
/** Every node by name. The map stays the same one; `nodesChanged` counts its changes. */
export const nodesByName = new Map<string, DeskNode>();
export const nodesChanged = signal(0);

const order = new Intl.Collator("en", { numeric: true });
let sorted: DeskNode[] = [], sortedAt = -1, isOrderSame = false;

/** All nodes in the order of their names. Sorted only when nodes came or went. */
export const nodes = computed<readonly DeskNode[]>(() => {
  if (sortedAt !== nodesChanged.value) {
    sorted = isOrderSame
      ? sorted.map(({ name }) => nodesByName.get(name) as DeskNode)
      : [...nodesByName.values()].sort((a, b) => order.compare(a.name, b.name));
    sortedAt = nodesChanged.value;
    isOrderSame = true;
  }
  return sorted;
});

/** Number of nodes by state. */
export const counts = computed(() => {
  const found: Partial<Record<DeskNode["state"], number>> = {};
  for (const { state } of nodes.value) found[state] = (found[state] ?? 0) + 1;
  return found;
});

export function applyMessage(message: DeskMessage): void {
  const { isWhole } = message;
  if (message.user) user.value = message.user;
  if (message.site) noteSite(message.site);
  if (message.notices) notices.value = message.notices;
  if (message.swarm) swarm.value = message.swarm;
  noteNodes(message);
  const byId = <T extends { id: string }>(
    old: readonly T[],
    changed: readonly T[] = [],
    gone: readonly string[] = [],
  ) => {
    const kept = isWhole
      ? []
      : old.filter(({ id }) => !gone.includes(id) && !changed.some((c) => c.id === id));
    return [...changed, ...kept];
  };
  if (isWhole || message.machines || message.removedMachines) {
    machines.value = byId(machines.value, message.machines, message.removedMachines)
      .sort((a, b) => b.seen.localeCompare(a.seen));
  }
  if (isWhole || message.templates) {
    templates.value = byId(templates.value, message.templates).sort((a, b) => order.compare(a.name, b.name));
  }
  if (isWhole || message.captures) {
    captures.value = byId(captures.value, message.captures)
      .sort((a, b) => b.started.localeCompare(a.started)).slice(0, 100);
  }
  if (message.stale) markStale(message.stale);
}

function markStale(lists: readonly Stale[]): void {
  const next = { ...staleness.value };
  for (const list of lists) next[list] = (next[list] ?? 0) + 1;
  staleness.value = next;
}

function noteNodes({ isWhole, nodes = [], removedNodes = [] }: DeskMessage): void {
  if (!isWhole && nodes.length === 0 && removedNodes.length === 0) return;
  if (isWhole) nodesByName.clear();
  if (isWhole || removedNodes.length > 0) isOrderSame = false;
  for (const name of removedNodes) nodesByName.delete(name);
  for (const node of nodes) {
    if (!nodesByName.has(node.name)) isOrderSame = false;
    nodesByName.set(node.name, node);
  }
  nodesChanged.value++;
}

function noteSite(next: DeskSite): void {
  const last = site.value;
  const seconds = last ? (next.atMs - last.atMs) / 1000 : 0;
  if (last && seconds > 0) sendingRate.value = Math.max(0, (next.sentBytes - last.sentBytes) / seconds);
  site.value = next;
}
