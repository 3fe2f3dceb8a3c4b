/** What the form of a schedule says, and the terms that it stands for. Pure. */
import type { ScheduledOrder, ScheduleTerms, ScheduleView, WorkName } from "#contract/api/schedules.ts";
import { cronOf, type Times, timesOf } from "./times.ts";

/** As the controls hold them; "" stands for what the server chooses. */
export interface Form {
  readonly work: WorkName;
  readonly nodes: string;
  readonly times: Times;
  readonly zone: string;
  /** One in a line. */
  readonly windows: string;
  readonly batch: string;
  readonly stopAfter: string;
  readonly bootHours: string;
  readonly catchUp: boolean;
  readonly image: string;
  /** Of the image that a node has. */
  readonly version: string;
  readonly start: "boot" | "agent" | "power";
  readonly identity: string;
  readonly unlock: string;
  readonly force: boolean;
  readonly evenRefused: boolean;
  readonly dryRun: boolean;
  /** Paths, one in a line. */
  readonly keep: string;
  readonly checkContent: boolean;
  readonly threshold: string;
  readonly atBoot: boolean;
  readonly excludes: string;
}

export const NEW_FORM: Form = {
  work: "restore",
  nodes: "",
  times: timesOf("0 3 * * *"),
  zone: "",
  windows: "",
  batch: "",
  stopAfter: "",
  bootHours: "",
  catchUp: false,
  image: "",
  version: "",
  start: "boot",
  identity: "",
  unlock: "",
  force: false,
  evenRefused: false,
  dryRun: false,
  keep: "",
  checkContent: false,
  threshold: "",
  atBoot: false,
  excludes: "",
};

/** What a person set of it, as the API takes it. */
export function setTermsOf(view: ScheduleView): ScheduleTerms {
  const { nodes, cron, zone, windows, batch, stopAfter, bootSeconds, catchUp, order } = view;
  return present({
    nodes,
    cron,
    zone,
    windows,
    batch,
    stopAfter,
    bootSeconds,
    catchUp,
    order,
  }) as ScheduleTerms;
}

export function formOf({ order, ...terms }: ScheduleTerms): Form {
  const text = (value: number | string | undefined) => value === undefined ? "" : String(value);
  const lines = (list: readonly string[] | undefined) => (list ?? []).join("\n");
  const of: Partial<Record<string, unknown>> = order;
  return {
    ...NEW_FORM,
    work: order.work,
    nodes: terms.nodes.join(", "),
    times: timesOf(terms.cron),
    zone: text(terms.zone),
    windows: lines(terms.windows),
    batch: text(terms.batch),
    stopAfter: text(terms.stopAfter),
    bootHours: text(terms.bootSeconds === undefined ? undefined : terms.bootSeconds / 3600),
    catchUp: terms.catchUp ?? false,
    image: text(of.image as string | undefined),
    version: text(of.version as number | undefined),
    start: of.power !== undefined ? "power" : of.now === true ? "agent" : "boot",
    identity: text(of.identity as string | undefined),
    unlock: text(of.unlock as string | undefined),
    force: of.force === true,
    evenRefused: of.planCheck === false,
    dryRun: of.dryRun === true,
    keep: lines(of.keep as string[] | undefined),
    checkContent: of.check === "content",
    threshold: text(of.threshold as number | undefined),
    atBoot: of.atBoot === true,
    excludes: lines(of.excludes as string[] | undefined),
  };
}

/** `before`: the order that is changed; what the form has no control for stays as it was there. */
export function termsOf(form: Form, before?: ScheduledOrder): ScheduleTerms {
  const order = { ...(before?.work === form.work ? before : {}), work: form.work, ...orderOf(form, before) };
  return present({
    nodes: form.nodes.split(/[\s,]+/).filter((part) => part !== ""),
    cron: cronOf(form.times),
    zone: form.zone.trim() || undefined,
    windows: linesOf(form.windows),
    batch: number(form.batch),
    stopAfter: number(form.stopAfter),
    bootSeconds: number(form.bootHours, (hours) => Math.round(hours * 3600)),
    catchUp: form.catchUp || undefined,
    // the server says what is wrong with it
    order: present(order) as ScheduledOrder,
  }) as ScheduleTerms;
}

/** Every member that the form has a control for; undefined takes it away. */
function orderOf(form: Form, before: ScheduledOrder | undefined): object {
  const image = form.image || undefined, force = form.force || undefined;
  const planCheck = form.evenRefused ? false : undefined, now = form.start === "agent" || undefined;
  const keep = linesOf(form.keep), check = form.checkContent ? "content" : undefined;
  switch (form.work) {
    case "deploy": {
      const power = before?.work === "deploy" && before.power;
      return {
        image,
        force,
        planCheck,
        now,
        power: form.start === "power" ? power || {} : undefined,
        identity: form.identity || undefined,
        unlock: form.unlock || undefined,
      };
    }
    case "restore": {
      const version = image === undefined ? number(form.version) : undefined;
      return { image, version, force, planCheck, now, keep, check, dryRun: form.dryRun || undefined };
    }
    case "backup":
      return {
        atBoot: form.atBoot || undefined,
        image: form.atBoot ? image : undefined,
        excludes: linesOf(form.excludes),
      };
    case "check":
      return { keep, check, threshold: number(form.threshold) };
  }
}

/** Whether it writes to its nodes' disks. */
export function writesTo({ work, ...order }: ScheduledOrder): boolean {
  return work === "deploy" || (work === "restore" && !("dryRun" in order && order.dryRun));
}

/** The command that adds or changes a schedule with these terms. */
export function commandOf(verb: "add" | "set", name: string, { order, ...terms }: ScheduleTerms): string[] {
  const option = (flag: string, value: string | number | undefined) =>
    value === undefined ? [] : [`--${flag}`, String(value)];
  const flag = (name: string, isOn: unknown) => isOn ? [`--${name}`] : [];
  const of: Partial<Record<string, unknown>> = order;
  const list = (value: unknown) => (value ?? []) as readonly string[];
  const keep = list(of.keep);
  return [
    ...["rackseed", "schedule", verb, name || "NAME", order.work, ...terms.nodes],
    ...option("cron", terms.cron),
    ...option("zone", terms.zone),
    ...(terms.windows ?? []).flatMap((window) => option("window", window)),
    ...option("batch", terms.batch),
    ...option("stop-after", terms.stopAfter),
    ...option("boot-within", durationOf(terms.bootSeconds)),
    ...flag("catch-up", terms.catchUp),
    ...option("image", of.image as string | undefined),
    ...option("version", of.version as number | undefined),
    ...keep.length > 0 ? ["--keep", ...keep] : [],
    ...flag("check-content", of.check === "content"),
    ...flag("dry-run", of.dryRun),
    ...option("identity", of.identity as string | undefined),
    ...option("unlock", of.unlock as string | undefined),
    ...flag("no-plan-check", of.planCheck === false),
    ...flag("force", of.force),
    ...flag("power", of.power !== undefined),
    ...flag("now", of.now),
    ...flag("at-boot", of.atBoot),
    ...list(of.excludes).flatMap((glob) => option("exclude", glob)),
    ...option("threshold", of.threshold as number | undefined),
  ];
}

function durationOf(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : seconds % 3600 === 0 ? `${seconds / 3600}h` : `${seconds}s`;
}

function linesOf(text: string): string[] | undefined {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return lines.length > 0 ? lines : undefined;
}

function number(text: string, as = (value: number) => value): number | undefined {
  return text.trim() === "" ? undefined : as(Number(text));
}

/** Without members that are undefined: unknown ones are refused. */
function present<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}
