/** What can happen to a data directory. A fault follows from its number alone, so that it can be repeated. */
import { Dice } from "../../../server/plan/testing/dice.ts";

export const KINDS = [
  "emptied",
  "deleted",
  "truncated",
  "flipped",
  "full disk",
  "read-only",
  "killed",
] as const;
type FaultKind = (typeof KINDS)[number];

export interface Fault {
  readonly number: number;
  readonly kind: FaultKind;
  /** Whether the previous server lost power or was stopped. */
  readonly afterKill: boolean;
  readonly random: Dice;
}

/** The share of each kind, in per cent. */
const SHARE: Record<FaultKind, number> = {
  "emptied": 16,
  "deleted": 18,
  "truncated": 18,
  "flipped": 22,
  "full disk": 10,
  "read-only": 4,
  "killed": 12,
};

/** Fault `number`, from 0 on. Kinds are interleaved by share, so that any range of numbers has all of them. */
export function faultOf(number: number): Fault {
  // 61 and 100 have no common factor: every hundred numbers visit each place once.
  let place = number * 61 % 100;
  const kind = KINDS.find((one) => (place -= SHARE[one]) < 0) ?? "killed";
  const random = new Dice(1000 + number);
  return { number, kind, afterKill: random.next() < 0.5, random };
}

/** Damages files, and returns a description. */
export function damageFiles(data: string, { kind, random }: Fault): string {
  const files = filesBelow(data);
  switch (kind) {
    case "emptied": {
      const path = random.pick(files);
      Deno.truncateSync(`${data}/${path}`);
      return path;
    }
    case "deleted": {
      const path = random.pick([...files, ...foldersBelow(data)]);
      Deno.removeSync(`${data}/${path}`, { recursive: true });
      return path;
    }
    case "truncated": {
      const path = random.pick(files);
      const { size } = Deno.statSync(`${data}/${path}`);
      const length = random.below(size);
      Deno.truncateSync(`${data}/${path}`, length);
      return `${path} to ${length} of ${size} bytes`;
    }
    case "flipped": {
      const path = random.pick(files.filter((file) => Deno.statSync(`${data}/${file}`).size > 0));
      const bytes = Deno.readFileSync(`${data}/${path}`);
      const places = Array.from({ length: 1 + random.below(8) }, () => random.below(bytes.length));
      for (const at of places) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      Deno.writeFileSync(`${data}/${path}`, bytes);
      return `${path} at ${places.join(", ")}`;
    }
    case "full disk":
    case "read-only":
    case "killed":
      throw new RangeError(`${kind} is no fault of files`);
  }
}

function filesBelow(data: string): string[] {
  const walk = (folder: string): string[] =>
    [...Deno.readDirSync(`${data}/${folder}`)].flatMap(({ name, isDirectory }) => {
      const path = folder === "" ? name : `${folder}/${name}`;
      return isDirectory ? walk(path) : [path];
    });
  const files = walk("").sort();
  // The database matters most: each of its files is five times as likely as any other.
  return [
    ...files,
    ...files.flatMap((path) => path.startsWith("rackseed.db") ? Array<string>(4).fill(path) : []),
  ];
}

function foldersBelow(data: string): string[] {
  return ["identities", "keys", "packs", "staging", "tls", "versions", "versions/web@1", "versions/db@1"]
    .filter((path) => {
      try {
        return Deno.statSync(`${data}/${path}`).isDirectory;
      } catch {
        return false;
      }
    });
}
