/** One command restores a clone with a damaged disk, and leaves an undamaged one unchanged. */
import { z } from "zod";
import { NodeView, StepReport, VersionView } from "#contract/api.ts";
import { compareWithTemplate, sha256 } from "./check_disks.ts";
import type { Check } from "./check.ts";
import { eraseStart, keptFile } from "./damage.ts";
import { type Clone, disksOf, installNode, startClone } from "./node_flow.ts";
import { onDisks } from "./on_disks.ts";
import type { ProductServer } from "./product_server.ts";
import type { VmDisk } from "./qemu.ts";
import { image, type Template } from "./template_flow.ts";
import type { NodeFacts, Workplace } from "./workplace.ts";

interface Context {
  readonly node: NodeFacts;
  readonly template: Template;
  readonly server: ProductServer;
  /** The clone as it came up after its installation. */
  readonly clone: Clone;
}

/** The largest share of the image that may be fetched beyond the damaged files, and if nothing is damaged. */
const LIMITS = { beyondDamage: 0.05, undamaged: 0.01 };

export async function restoreNode(lab: Workplace, context: Context): Promise<Check[]> {
  return [
    ...await restoreDamaged(lab, context),
    ...await restoreUndamaged(lab, context),
    ...await dryRun(lab, context),
  ];
}

async function restoreDamaged(lab: Workplace, { node, template, server, clone }: Context): Promise<Check[]> {
  const disks = disksOf(lab, node);
  const damaged = await lab.timeline.measure(`${node.name}: disk damaged`, () => damage(lab, disks));
  await using order = server.begin("node", "restore", node.name, "--keep", "/srv", "--wait");
  await order.output.expect("is ordered for", { timeoutMs: 120_000 });
  const { agentMs, fetchedBytes } = await restored(lab, { node, server });
  // Shown but not checked, since this machine may be busy.
  lab.timeline.note(
    `${node.name}: restored in ${seconds(agentMs)} of the installation's ${seconds(clone.agentMs)}, ` +
      `${percent(agentMs / clone.agentMs)}, from the agent's start to its reboot`,
  );
  const { totals } = await versionOf(server);
  // Compressed, as in the frames.
  const damagedBytes = damaged * totals.sealedBytes / totals.extentBytes;
  const most = damagedBytes + LIMITS.beyondDamage * totals.sealedBytes;
  const compared = await compareWithTemplate(lab, {
    clone: disks,
    template: template.disks,
    also: [{ path: "srv/**", reason: "kept" }, { path: "srv", aspects: ["mtime"], reason: "kept" }, ...lived],
  });
  const kept = await onDisks(lab, "kept", { disks, access: "intact" });
  const again = await startClone(lab, { node, template, server, order });
  await order.done;
  return [
    compared,
    {
      what: "restored: at most 5 % of the image was fetched beyond the damaged files",
      passed: fetchedBytes <= most,
      seen: `${mb(fetchedBytes)} fetched, ${mb(damagedBytes)} damaged, the image ${mb(totals.sealedBytes)}`,
    },
    {
      what: "restored: it has the same storage names",
      passed: again.storage === clone.storage,
      seen: again.storage.replaceAll("\n", ", "),
    },
    {
      what: "restored: name, machine-id and SSH host key as before",
      passed: again.machineId === clone.machineId && again.hostKey === clone.hostKey,
      seen: `${again.machineId}, before ${clone.machineId}; ${again.hostKey}, before ${clone.hostKey}`,
    },
    { what: "restored: the kept file is there", passed: kept === keptFile.text, seen: kept.trim() },
    ...again.checks.map((check) => ({ ...check, what: `restored: ${check.what}` })),
  ];
}

async function restoreUndamaged(lab: Workplace, { node, server }: Context): Promise<Check[]> {
  const disks = disksOf(lab, node);
  const before = new Map(await onDisks(lab, "marks", { disks, access: "intact" }) as [string, string][]);
  await server.rackseed("node", "restore", node.name, "--keep", "/srv");
  const { fetchedBytes, plan } = await restored(lab, { node, server });
  const after = new Map(await onDisks(lab, "marks", { disks, access: "intact" }) as [string, string][]);
  const rewritten = [...before].filter(([path, mark]) => after.get(path) !== mark).map(([path]) => path);
  const { totals } = await versionOf(server);
  return [
    {
      what: "restored undamaged: no file was rewritten or removed",
      passed: rewritten.length === 0,
      seen: rewritten.length === 0
        ? `inode and change time of ${before.size} files as before`
        : `${rewritten.length} files: ${rewritten.slice(0, 20).join(" ")}; ${plan.slice(0, 20).join(" | ")}`,
    },
    {
      what: "restored undamaged: at most 1 % of the image was fetched",
      passed: fetchedBytes <= LIMITS.undamaged * totals.sealedBytes,
      seen: `${mb(fetchedBytes)} of ${mb(totals.sealedBytes)}`,
    },
  ];
}

async function dryRun(lab: Workplace, { node, server }: Context): Promise<Check[]> {
  const disks = disksOf(lab, node);
  await onDisks(lab, "damageLittle", { disks, access: "write" });
  const before = await sums(disks);
  await server.rackseed("node", "restore", node.name, "--keep", "/srv", "--dry-run");
  const { plan } = await restored(lab, { node, server });
  const after = await sums(disks);
  const view = await viewOf(server, node);
  const expected = [/make {5}\/usr\/local\/bin\/greet$/, /remove {3}\/usr\/bin\/stranger/];
  return [
    {
      what: "dry run: the disk is unchanged, bit for bit",
      passed: before === after,
      seen: `SHA-256 ${before} before, ${after} after`,
    },
    {
      what: "dry run: it reports what would change, and ends disarmed",
      passed: expected.every((line) => plan.some((shown) => line.test(shown))) && !view.armed,
      seen: `${view.state}, armed: ${view.armed}; ${plan.slice(0, 12).join(" | ")}`,
    },
  ];
}

async function damage(lab: Workplace, disks: readonly VmDisk[]): Promise<number> {
  const bytes = await onDisks(lab, "damage", { disks, access: "write" });
  return bytes + await eraseStart(disks[0]?.path ?? "");
}

export async function sums(disks: readonly VmDisk[]): Promise<string> {
  return (await Promise.all(disks.map(({ path }) => sha256(path)))).join(" ");
}

/** Lets the node execute its order. */
async function restored(
  lab: Workplace,
  { node, server }: { node: NodeFacts; server: ProductServer },
): Promise<{ agentMs: number; fetchedBytes: number; plan: readonly string[] }> {
  const agentMs = await installNode(lab, { node });
  const { log } = z.object({ log: z.array(StepReport) }).parse(
    JSON.parse(await server.rackseed("node", "show", node.name, "--json")),
  );
  const done = (step: string) => log.find((report) => report.step === step && report.state === "done");
  const failed = log.find(({ state }) => state === "failed");
  if (failed) {
    throw new Error(`${node.name} was not restored: ${failed.problem?.title}: ${failed.problem?.detail}`);
  }
  const plan = done("torrent")?.plan ?? [];
  await Deno.writeTextFile(`${lab.keep}/restore.log`, `${plan.join("\n")}\n\n`, {
    append: true,
  });
  return { agentMs, fetchedBytes: done("install")?.times?.fetchedBytes ?? 0, plan };
}

async function viewOf(server: ProductServer, { name }: NodeFacts): Promise<NodeView> {
  return NodeView.parse(JSON.parse(await server.rackseed("node", "show", name, "--json")));
}

async function versionOf(server: ProductServer): Promise<VersionView> {
  return VersionView.parse(JSON.parse(await server.rackseed("image", "show", image, "--json")));
}

/** What a running system itself writes, and a restore leaves alone. */
export const lived = [
  ...[
    ...["var/log", "var/cache", "var/tmp", "var/lib/systemd", "var/lib/private", "var/lib/logrotate"],
    // a restored clone is the same instance for cloud-init
    "var/lib/cloud",
  ].flatMap((path) => [
    { path: `${path}/**`, reason: "written by the running clone" },
    { path, aspects: ["mtime"] as const, reason: "written by the running clone" },
  ]),
  ...["etc/.updated", "var/.updated", "etc/adjtime", "etc/resolv.conf"].map((path) => ({
    path,
    reason: "written by the running clone",
  })),
];

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const percent = (part: number) => `${(part * 100).toFixed(0)} %`;
