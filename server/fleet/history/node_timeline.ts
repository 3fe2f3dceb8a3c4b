/**
 * A node's life as one list, newest first: the events of its history, each with who ordered it, and what was ordered and
 * left no event. The name of who ordered it comes from the audit log: the action that was under way when the event began.
 */
import type { AuditEntry } from "#contract/api/audit.ts";
import type { HistoryEntry, HistoryEvent, HistoryKind, HistoryResult } from "#contract/api/node_history.ts";
import type { AuditLog } from "../../store/audit_log.ts";
import type { NodeHistory, StoredEvent } from "../../store/node_history.ts";
import { nameOfMac } from "../../store/nodes.ts";
import type { NodeRecord } from "../../store/node_record.ts";

/** Events, or lines of the audit log, that are read at once. */
const AT_ONCE = 100;
/** Actions that were begun before an event, of which one may have ordered it. */
const LOOKED_AT = 20;

/** What an action leads to; the others are shown as they are. */
const KINDS: Readonly<Record<string, readonly [HistoryKind, ...HistoryKind[]]>> = {
  "node.deploy": ["deployment"],
  "node.restore": ["restore", "dry-run"],
  "node.backup": ["backup"],
  "node.backup-at-boot": ["backup"],
  "node.check": ["check"],
  "node.discover": ["discovery"],
  "node.power": ["power"],
  "node.set": ["settings"],
  "node.power-set": ["settings"],
  "node.accept-hardware": ["hardware"],
  "node.forget-tpm": ["hardware"],
  "node.cancel": ["cancel"],
  "deployment.cancel": ["cancel"],
  "deployment.retry": ["deployment", "restore", "backup"],
  "node.recovery-key": ["recovery-key"],
  "machine.adopt": ["adoption", "settings"],
  "capture.begin": ["capture", "backup"],
};
/** The server or an agent acts by itself, as part of what is shown already. */
const PARTS_OF_OTHERS = new Set(["node.restart", "capture.publish"]);

export interface TimelineItem {
  readonly entry: HistoryEntry;
  /** Where the list goes on after it. */
  readonly key: string;
}

interface TimelineSources {
  readonly history: Pick<NodeHistory, "list" | "hasBetween">;
  readonly audit: Pick<AuditLog, "ofNodes">;
}

export class NodeTimeline {
  readonly #sources: TimelineSources;

  constructor(sources: TimelineSources) {
    this.#sources = sources;
  }

  /** `after`: the key of the item that the page before ended with. Items are read as they are taken. */
  *items(node: NodeRecord, { after }: { after: string | undefined }): Generator<TimelineItem> {
    const [fromEvent, fromAct] = positionsOf(after);
    const events = this.#events(node, fromEvent), acts = this.#acts(node, fromAct);
    let event = events.next().value, act = acts.next().value;
    // what comes meanwhile is newer than the first page, and on none of the later ones
    let atEvent = fromEvent ?? (event?.number ?? -1) + 1, atAct = fromAct ?? (act?.number ?? -1) + 1;
    while (event || act) {
      const isEvent = event && (!act || event.event.at >= act.at);
      if (event && isEvent) {
        atEvent = event.number;
        yield { entry: this.#withOrderer(node, event.event), key: keyOf(atEvent, atAct) };
        event = events.next().value;
      } else if (act) {
        atAct = act.number;
        yield { entry: entryOf(act), key: keyOf(atEvent, atAct) };
        act = acts.next().value;
      }
    }
  }

  *#events({ id }: NodeRecord, before: number | undefined): Generator<StoredEvent, undefined> {
    for (;;) {
      const page = this.#sources.history.list(id, { before, limit: AT_ONCE });
      yield* page;
      if (page.length < AT_ONCE) return;
      before = page.at(-1)?.number;
    }
  }

  /** Those that led to no event of this node. */
  *#acts(node: NodeRecord, before: number | undefined): Generator<AuditEntry, undefined> {
    for (;;) {
      const page = this.#sources.audit.ofNodes(namesOf(node), { before, limit: AT_ONCE });
      yield* page.filter((act) => !PARTS_OF_OTHERS.has(act.action) && !this.#hasEvent(node, act));
      if (page.length < AT_ONCE) return;
      before = page.at(-1)?.number;
    }
  }

  #hasEvent({ id }: NodeRecord, { action, at, outcome }: AuditEntry): boolean {
    const kinds = KINDS[action];
    if (!kinds || outcome?.result === "refused") return false;
    return this.#sources.history.hasBetween(id, { from: at, to: outcome?.at ?? at, kinds });
  }

  #withOrderer(node: NodeRecord, event: HistoryEvent): HistoryEntry {
    const act = this.#sources.audit.ofNodes(namesOf(node), { until: event.at, limit: LOOKED_AT })
      .find(({ action, at, outcome }) =>
        KINDS[action]?.includes(event.kind) && (outcome?.at ?? at) >= event.at
      );
    return act ? { ...event, by: orderer(act), action: act.action } : event;
  }
}

/** As a machine that only appeared, it was named by its MAC. */
function namesOf({ name, settings: { mac } }: NodeRecord): string[] {
  return mac === undefined ? [name] : [name, nameOfMac(mac)];
}

function entryOf(act: AuditEntry): HistoryEntry {
  const { action, at, images, outcome, subject } = act;
  const kind = KINDS[action]?.[0] ?? (action.startsWith("schedule.") ? "schedule" : "other");
  return {
    kind,
    action,
    at,
    by: orderer(act),
    result: resultOf(outcome?.result),
    ...(images[0] !== undefined && { image: images[0] }),
    ...(subject !== undefined && { details: [subject.slice(0, 400)] }),
  };
}

/** A restore at every boot is begun by the server, for the person who ordered it. */
function orderer({ who, subject }: AuditEntry): string {
  const [, name] = /^ordered by (.+)$/.exec(subject ?? "") ?? [];
  return name === undefined ? who : `${name} (${who})`.slice(0, 200);
}

function resultOf(result: "done" | "refused" | "failed" | undefined): HistoryResult {
  return result ?? "failed";
}

function keyOf(event: number, act: number): string {
  return `${event}.${act}`;
}

function positionsOf(key: string | undefined): [event: number | undefined, act: number | undefined] {
  const [, event, act] = /^(\d{0,15})\.(\d{0,15})$/.exec(key ?? "") ?? [];
  const numberOf = (text: string | undefined) => text ? Number(text) : undefined;
  return [numberOf(event), numberOf(act)];
}
