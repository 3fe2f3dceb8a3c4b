/**
 * Refuses a machine with another disk that holds a btrfs of the image's UUID, before anything is written: mkfs.btrfs
 * refuses to make a second one, and the kernel takes both for devices of one file system.
 */
import { RackseedError } from "#contract/errors.ts";
import { actionsOf, type Plan } from "#plan/actions.ts";
import type { CarryOut } from "./carry_out.ts";

type Planned = Pick<Plan, "image" | "disks" | "actions">;

/** Throws RackseedError. What lies on the planned disks does not count: it is erased first. */
export async function refuseTwins(plan: Planned, { run, signal }: CarryOut): Promise<void> {
  for (const { formatting: { type, uuid, mountPoint = type } } of actionsOf(plan, "format")) {
    if (type !== "btrfs" || uuid === undefined) continue;
    const { stdout } = await run(["blkid", "-c", "/dev/null", "-t", `UUID=${uuid}`, "-o", "device"], {
      accept: [0, 2],
      signal,
    });
    const twin = stdout.split("\n").find((device) => device !== "" && !isOn(device, plan));
    if (twin === undefined) continue;
    throw new RackseedError(`cannot install ${plan.image} on this machine; nothing was written`, {
      reason:
        `${twin} holds a btrfs with the UUID of the image's ${mountPoint}, ${uuid}, and Linux cannot tell them apart.`,
      remedy: `remove that disk, or erase it there (\`wipefs --all ${twin}\`), and deploy again.`,
      status: 409,
    });
  }
}

/** Whether it is one of the planned disks, or a partition of one. */
function isOn(device: string, { disks }: Planned): boolean {
  return disks.some(({ facts: { name } }) => {
    const rest = device.startsWith(`/dev/${name}`) ? device.slice(`/dev/${name}`.length) : "-";
    return /^(p?\d+)?$/.test(rest);
  });
}
