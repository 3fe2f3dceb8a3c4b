/**
 * Compares a running system with the image that it was installed from, by the restore's own comparison, and says what
 * differs. Everything is opened read-only; nothing is changed.
 */
import { zstdDecompressSync } from "node:zlib";
import { CheckResult, MAX_DIFFERENCES, MAX_SHOWN_PATH } from "#contract/api/checks.ts";
import type { CheckProgress, DriftItem } from "#contract/api/checks.ts";
import { type BytePath, displayPath } from "#contract/format/byte_path.ts";
import { firstError, messageOf, type Problem, RackseedError } from "#contract/errors.ts";
import { decodeManifestInTurns, type Manifest, MAX_MANIFEST_BYTES } from "#contract/format/manifest.ts";
import { listDifferences } from "../install/compare/differences.ts";
import { type ExistingTree, findExisting } from "../install/compare/existing.ts";
import type { LiveTree } from "../install/compare/live_tree.ts";
import { scanContents } from "../install/compare/scan_contents.ts";
import { readCloneRecord } from "../install/records/clone_record.ts";
import { runCommand } from "../sys/command.ts";
import { statAt } from "../sys/file_status.ts";
import { compileExcludes } from "../tree/excludes.ts";
import { TreeReader } from "../tree/tree_files.ts";
import { TreeRoots } from "../tree/tree_roots.ts";
import type { CheckSetup } from "./check_messages.ts";
import { scopeOf, type ScopeOptions } from "./check_scope.ts";
import { CpuShare } from "./cpu_share.ts";
import { type Finding, findingsOf } from "./findings.ts";
import { ImageMounts } from "./image_mounts.ts";
import { ownersOf } from "./packages/owners.ts";
import { recordedFindings } from "./recorded_files.ts";

interface CheckControl {
  readonly onProgress?: (progress: CheckProgress) => void;
  readonly signal?: AbortSignal;
}

/** Throws RackseedError, SysError. */
export async function checkNode(
  { order, root, manifest: packed, beganMs, share }: CheckSetup,
  { onProgress = () => {}, signal = new AbortController().signal }: CheckControl = {},
): Promise<CheckResult> {
  const cpu = new CpuShare({ share, signal, beganMs });
  const live: LiveTree = { rest: () => cpu.rest() };
  onProgress({ phase: "listing", bytes: 0 });
  const manifest = await openManifest(packed, live);
  const reader = new TreeReader(root), record = await readCloneRecord(reader);
  using mounts = new ImageMounts(root, manifest.header.layout);
  const options = { order, manifest, mounts, record, reader, live, signal };
  const compared = await compare({
    ...options,
    onRead: (bytes) => onProgress({ phase: "reading", bytes }),
  });
  onProgress({ phase: "naming", bytes: compared.readBytes });
  const recorded = record
    ? await recordedFindings({ tree: reader, record, layout: manifest.header.layout, rest: live.rest })
    : [];
  const findings = [...compared.findings, ...recorded];
  const named = await nameOwners(findings.slice(0, MAX_DIFFERENCES), { reader, cpu });
  await cpu.rest();
  const count = (what: Finding["what"]) => findings.filter((finding) => finding.what === what).length;
  return CheckResult.parse({
    entries: manifest.entries.length,
    changed: count("changed"),
    missing: count("missing"),
    foreign: count("foreign"),
    differences: named.differences,
    notes: [...mounts.notes, ...compared.notes, ...named.notes].map((note) => note.slice(0, 500)).slice(
      0,
      50,
    ),
    readBytes: compared.readBytes,
    elapsedMs: Math.max(0, Math.round(Date.now() - beganMs)),
    cpuMs: Math.round(cpu.usedMs),
  });
}

async function openManifest(packed: Uint8Array, live: LiveTree): Promise<Manifest> {
  const text = zstdDecompressSync(packed, { maxOutputLength: MAX_MANIFEST_BYTES });
  await live.rest();
  return await decodeManifestInTurns(text, () => live.rest());
}

interface CompareOptions extends ScopeOptions {
  readonly live: LiveTree;
  readonly signal: AbortSignal;
  readonly onRead: (bytes: number) => void;
}

async function compare(options: CompareOptions) {
  const { order, manifest, mounts, live, signal, onRead } = options;
  const startedSec = Math.floor(Date.now() / 1000);
  const scope = await scopeOf(options), privileged = Deno.uid() === 0;
  const common = { manifest, mounts: mounts.mounts, privileged, live, signal };
  const found = await findExisting(mounts.root, {
    ...common,
    kept: scope.kept,
    own: scope.own,
    plain: scope.plain,
    index: scope.index,
    trustsIndex: !order.readsAll,
    isExcluded: compileExcludes(manifest.header.excludes).matches,
    makeReadable: false,
    onProgress: onRead,
  });
  const tree = new TreeRoots(mounts.root, mounts.mounts);
  const changing = changedSince(startedSec, { manifest, found, tree });
  const again = changing.length === 0
    ? undefined
    : await scanContents(mounts.root, { ...common, files: changing.map(({ number }) => number) });
  const settled = new Set(
    changing.flatMap(({ number, path }) => again?.exact.has(number) ? [path] : []),
  );
  const differences = listDifferences(manifest, found).filter(({ path }) => !settled.has(path));
  return {
    findings: await findingsOf(differences, {
      manifest,
      tree,
      privileged,
      plain: scope.plain,
      rest: () => live.rest(),
    }),
    readBytes: found.contents.readBytes + (again?.readBytes ?? 0),
    notes: scope.notes,
  };
}

/** Files that differ and were written since then: they may have been read while they changed. */
function changedSince(
  second: number,
  { manifest, found, tree }: { manifest: Manifest; found: ExistingTree; tree: TreeRoots },
): { number: number; path: BytePath }[] {
  return manifest.entries.flatMap(({ type, path }, number) => {
    if (type !== "file" || found.present[number] !== 1 || found.contents.exact.has(number)) return [];
    const place = tree.at(path);
    try {
      return statAt(place.fd, place.path).ctimeSec >= second ? [{ number, path }] : [];
    } catch {
      return [];
    }
  });
}

/** Never throws for the sake of names: a check without them is worth more than none. */
async function nameOwners(
  findings: readonly Finding[],
  { reader, cpu }: { reader: TreeReader; cpu: CpuShare },
): Promise<{ differences: DriftItem[]; notes: string[] }> {
  const shown = findings.map(({ path }) => `/${displayPath(path)}`);
  let owners: ReadonlyMap<string, string> = new Map();
  const notes: string[] = [];
  try {
    owners = await ownersOf(shown, {
      tree: reader,
      run: runCommand,
      rest: () => cpu.rest(),
      charge: (ms) => cpu.charge(ms),
    });
  } catch (error) {
    notes.push(`packages are not named: ${messageOf(error)}`);
  }
  const differences = findings.map(({ what, detail }, i): DriftItem => {
    const path = shown[i] ?? "", owner = owners.get(path);
    return {
      path: cut(path, MAX_SHOWN_PATH),
      what,
      ...(detail !== undefined && { detail: cut(detail, 490) }),
      ...(owner !== undefined && { package: cut(owner, 190) }),
    };
  });
  return { differences, notes };
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}

export function problemOf(error: unknown, root: string): Problem {
  const first = firstError(error);
  if (first instanceof RackseedError) return first.toProblem();
  return new RackseedError(`cannot compare ${root} with its image`, {
    reason: `${messageOf(first)}.`,
    remedy: "see the agent's log on the node (journalctl -u rackseed-agent).",
  }).toProblem();
}
