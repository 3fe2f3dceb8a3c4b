/**
 * The search of the list of nodes: words and fields, all of which must hold.
 *
 *     state:failed,aborted group:compute image:web@2 drift:>0 rack7
 *
 * A word is found in a node's name, host name, address, MAC or image. `FIELD:A,B` holds for A or B; a leading "-" negates;
 * `image:web@stable` finds the version that the tag names. `*` stands for any text; text fields match their beginning, "=" in front asks for the whole. Quotes keep spaces.
 */
import type { DeskNode } from "#contract/desk.ts";

type Test = (node: DeskNode) => boolean;

export interface Query {
  readonly test: Test;
  /** Parts that are no search, as the reader typed them, with the reason. */
  readonly faults: readonly Fault[];
}

interface Fault {
  readonly part: string;
  readonly fault: "field" | "number" | "value";
}

/** Values as text. Undefined: the node has none, which `FIELD:none` finds. */
const TEXT_FIELDS: Record<string, (node: DeskNode) => string | undefined> = {
  name: ({ name }) => name,
  state: ({ state }) => state,
  group: ({ group }) => group,
  rack: ({ rack }) => rack,
  image: ({ image }) => image,
  address: ({ address }) => address,
  mac: ({ mac }) => mac,
  host: ({ hostname }) => hostname,
  step: ({ step }) => step,
  order: ({ order }) => order,
  power: ({ power }) => power,
  problem: ({ problem }) => problem && `${problem.title} ${problem.detail}`,
};
/** These are found wherever the value stands in the text. */
const INNER = new Set(["problem", "address", "mac"]);

const NUMBER_FIELDS: Record<string, (node: DeskNode) => number | undefined> = {
  drift: ({ drift }) => drift,
  warnings: ({ warnings }) => warnings ?? 0,
  progress: ({ progress }) => progress && 100 * progress.bytesDone / Math.max(1, progress.bytesTotal),
  rate: ({ progress }) => progress && progress.bytesPerSecond / 1e6,
  peers: ({ progress }) => progress?.peers,
};

/** `is:silent` and the like. */
const KINDS: Record<string, Test> = {
  silent: ({ silentSince }) => silentSince !== undefined,
  drifted: ({ drift = 0 }) => drift > 0,
  slowest: ({ slowest }) => slowest !== undefined,
  everyboot: ({ everyBoot }) => everyBoot === true,
  wrong: (node) =>
    node.state === "failed" || node.state === "aborted" || node.problem !== undefined ||
    node.silentSince !== undefined,
};

export const FIELDS: readonly string[] = [...Object.keys(TEXT_FIELDS), ...Object.keys(NUMBER_FIELDS), "is"];

interface Names {
  /** Tags of images: "web@stable" → "web@3". */
  readonly tags: ReadonlyMap<string, string>;
}

export function parseQuery(text: string, names: Names = { tags: new Map() }): Query {
  const tests: Test[] = [], faults: Fault[] = [];
  for (const part of partsOf(text)) {
    const made = testOf(part, names);
    if (typeof made === "function") tests.push(made);
    else faults.push({ part, fault: made });
  }
  return { test: (node) => tests.every((test) => test(node)), faults };
}

/** Splits at spaces outside quotes. */
function partsOf(text: string): string[] {
  return text.slice(0, 2000).match(/(?:"[^"]*"?|[^\s"])+/g) ?? [];
}

function testOf(part: string, names: Names): Test | Fault["fault"] {
  const isNegated = part.startsWith("-") && part.length > 1;
  const bare = isNegated ? part.slice(1) : part;
  const colon = bare.indexOf(":");
  const field = bare.slice(0, Math.max(0, colon)).toLowerCase();
  // a MAC address and the like are words
  const made = /^[a-z]+$/.test(field) && !/^(?:[0-9a-f]{2}:){1,5}/i.test(bare)
    ? fieldTest(field, bare.slice(colon + 1), names)
    : wordTest(unquoted(bare));
  if (typeof made !== "function" || !isNegated) return made;
  return (node) => !made(node);
}

function fieldTest(field: string, given: string, { tags }: Names): Test | Fault["fault"] {
  const values = given.split(",").map(unquoted).filter((value) => value !== "");
  if (values.length === 0) return "value";
  if (field === "is") {
    const kinds = values.map((value) => KINDS[value.toLowerCase()]);
    return kinds.every((kind) => kind !== undefined) ? anyOf(kinds) : "value";
  }
  const number = NUMBER_FIELDS[field];
  if (number) {
    const tests = values.map((value) => numberTest(number, value));
    return tests.every((test) => test !== undefined) ? anyOf(tests) : "number";
  }
  const text = TEXT_FIELDS[field];
  if (!text) return "field";
  const named = field === "image" ? values.map((value) => untagged(value, tags)) : values;
  return anyOf(named.map((value) => textTest(text, value, { isInner: INNER.has(field) })));
}

/** The version that a tag names, as a whole. */
function untagged(value: string, tags: Names["tags"]): string {
  const version = tags.get(value.toLowerCase().replace(/^=/, ""));
  return version === undefined ? value : `=${version}`;
}

function textTest(
  read: (node: DeskNode) => string | undefined,
  value: string,
  { isInner }: { isInner: boolean },
): Test {
  const wanted = value.toLowerCase();
  if (wanted === "none") return (node) => read(node) === undefined;
  const isWhole = wanted.startsWith("=");
  const pattern = (isWhole ? wanted.slice(1) : wanted).split("*").map((piece) =>
    piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
  )
    .join(".*");
  const expression = new RegExp(`${isInner && !isWhole ? "" : "^"}${pattern}${isWhole ? "$" : ""}`);
  return (node) => {
    const found = read(node);
    return found !== undefined && expression.test(found.toLowerCase());
  };
}

function numberTest(read: (node: DeskNode) => number | undefined, value: string): Test | undefined {
  const match = /^(>=|<=|>|<|=)?(\d+(?:\.\d+)?)$/.exec(value);
  if (!match) return undefined;
  const limit = Number(match[2]);
  const holds: Record<string, (found: number) => boolean> = {
    ">": (found) => found > limit,
    ">=": (found) => found >= limit,
    "<": (found) => found < limit,
    "<=": (found) => found <= limit,
    "=": (found) => found === limit,
  };
  const compare = holds[match[1] ?? "="] as (found: number) => boolean;
  return (node) => {
    const found = read(node);
    return found !== undefined && compare(found);
  };
}

function wordTest(word: string): Test {
  const wanted = word.toLowerCase();
  return ({ name, hostname, address, mac, image }) =>
    [name, hostname, address, mac, image].some((text) => text?.toLowerCase().includes(wanted));
}

function anyOf(tests: readonly Test[]): Test {
  return (node) => tests.some((test) => test(node));
}

function unquoted(text: string): string {
  return text.replaceAll('"', "");
}
