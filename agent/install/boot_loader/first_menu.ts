/** GRUB's menu for an image that never had one: a container image has a kernel, but was never installed. */
import { messageOf, RackseedError } from "#contract/errors.ts";
import { actionsOf } from "#plan/actions.ts";
import { bootTexts } from "../../boot_config/boot_texts.ts";
import type { TargetDisks } from "../disk/guard.ts";
import { type BootLoaderOptions, inClone, TITLE } from "./in_clone.ts";
import { hasProgram } from "../../tree/programs.ts";

const MENUS = [
  { program: "grub-mkconfig", menu: "/boot/grub/grub.cfg" },
  { program: "grub2-mkconfig", menu: "/boot/grub2/grub.cfg" },
] as const;

/** Does nothing if the image has any boot configuration. Returns what was done, as text. Throws RackseedError. */
export async function makeFirstMenu(target: TargetDisks, options: BootLoaderOptions): Promise<string[]> {
  const { plan, clone } = options;
  if ((await bootTexts(clone)).length > 0) return [];
  const root = actionsOf(plan, "format").find(({ formatting }) => formatting.mountPoint === "/")?.formatting;
  for (const { program, menu } of MENUS) {
    if (root?.uuid === undefined || !await hasProgram(clone, program)) continue;
    await using _link = await uuidLink(root.uuid, target.device(root.volume));
    await inClone([program, "-o", menu], options);
    clone.changed.add(menu);
    return [`${menu} was made: the image had none`];
  }
  return [];
}

/** grub-mkconfig writes root=UUID= only if it finds udev's link, and there is no udev here. */
async function uuidLink(uuid: string, device: string): Promise<AsyncDisposable> {
  const folder = "/dev/disk/by-uuid", link = `${folder}/${uuid}`;
  try {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.symlink(device, link);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return { async [Symbol.asyncDispose]() {} };
    throw new RackseedError(TITLE, {
      reason: `${folder} cannot be made: ${messageOf(error)}.`,
      remedy: "run `update-grub` in the image, and capture or import it again.",
      cause: error,
    });
  }
  return { [Symbol.asyncDispose]: () => Deno.remove(link) };
}
