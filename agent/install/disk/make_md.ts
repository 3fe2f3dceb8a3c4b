/** Makes an MD array as planned: mdadm(8). */
import { RackseedError } from "#contract/errors.ts";
import { kernelNameOf } from "../../layout/assemble/kernel_devices.ts";
import { arrayModules, freeArrayDevice, stopArray } from "../../layout/md/array_device.ts";
import { loadModules } from "../../sys/modules.ts";
import { firstLine } from "../../sys/small_file.ts";
import type { PlannedArray } from "#plan/actions.ts";
import type { TargetDisks } from "./guard.ts";
import type { CarryOut } from "./carry_out.ts";
import { wipeVolume } from "./wipe.ts";

/** Levels whose members all hold different data. */
const WITHOUT_COPIES = /^(raid0|linear)$/;

/** `members` and `spares`: devices, or "missing". Pure. */
export function mdadmCreateArgv(
  array: PlannedArray,
  { device, members, spares }: {
    device: string;
    members: readonly string[];
    spares: readonly string[];
  },
): readonly [string, ...string[]] {
  const { uuid, metadata, level, chunkBytes, layout, bitmap, memberBytes, dataAtBytes } = array;
  const hasCopies = !WITHOUT_COPIES.test(level);
  return [
    ...["mdadm", "--create", device, "--config=none", "--run", `--uuid=${uuid}`] as const,
    ...metadata === "0.90" ? [] : namesOf(array),
    ...[`--metadata=${metadata}`, `--level=${level}`, `--raid-devices=${members.length}`],
    // mdadm takes an array of one device for a mistake
    ...members.length === 1 ? ["--force"] : [],
    ...spares.length > 0 ? [`--spare-devices=${spares.length}`] : [],
    ...chunkBytes > 0 ? [`--chunk=${chunkBytes / 1024}`] : [],
    ...layout === undefined ? [] : [`--layout=${layout.replace(/^(near|far|offset)=/, (w) => w.charAt(0))}`],
    ...dataAtBytes === undefined ? [] : [`--data-offset=${dataAtBytes / 1024}K`],
    ...hasCopies ? [`--bitmap=${bitmap}`, `--size=${Math.floor(memberBytes / 1024)}K`] : [],
    ...members,
    ...spares,
  ];
}

/** The superblock has one text for both: "server:boot". */
function namesOf({ name, superblockName = name }: PlannedArray): string[] {
  const colon = superblockName.indexOf(":");
  const host = colon > 0 ? superblockName.slice(0, colon) : "<none>";
  return [`--homehost=${host}`, `--name=${superblockName.slice(colon + 1)}`];
}

/** Disposing stops the array. `taken`: device nodes of arrays that are made meanwhile; it gets this one's. */
export async function makeArray(
  target: TargetDisks,
  { array, taken, run, signal }: CarryOut & { readonly array: PlannedArray; readonly taken: Set<string> },
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const { name, level, sizeBytes, writeMostly } = array;
  const title = `cannot make the MD array ${name}`;
  await loadModules(arrayModules(level), { run, signal });
  const device = await freeArrayDevice(taken);
  const members = array.members.map((m) => m === "missing" ? m : target.device(m));
  const spares = array.spares.map((spare) => target.device(spare));
  await run(mdadmCreateArgv(array, { device, members, spares }), {
    signal,
    title,
    timeoutMs: 5 * 60_000,
    remedy: "see `dmesg`; compare the sizes of the machine's disks with the plan.",
  });
  const volume = { kind: "md", name } as const;
  stack.defer(async () => {
    await stopArray(device, run);
    target.setActive(volume, undefined);
  });
  target.setActive(volume, device);
  for (const member of writeMostly) await markWriteMostly(device, target.device(member));
  await proveSize(device, { sizeBytes, title });
  await wipeVolume(device, { run, signal });
  return stack.move();
}

/** Documentation/admin-guide/md.rst: at creation, mdadm would mark all devices behind the first such one. */
async function markWriteMostly(device: string, member: string): Promise<void> {
  const at = `/sys/class/block/${await kernelNameOf(device)}/md/dev-${await kernelNameOf(member)}/state`;
  await Deno.writeTextFile(at, "writemostly");
}

async function proveSize(
  device: string,
  { sizeBytes, title }: { sizeBytes: number; title: string },
): Promise<void> {
  const made = 512 * Number(await firstLine(`/sys/class/block/${await kernelNameOf(device)}/size`) ?? 0);
  if (made >= sizeBytes) return;
  throw new RackseedError(title, {
    reason: `it has ${made} bytes, and ${sizeBytes} were planned.`,
    remedy: "use larger disks; report this, with the plan.",
  });
}
