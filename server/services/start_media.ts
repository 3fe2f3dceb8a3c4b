/** Bootable media. */
import { readBootProgram } from "../../boot/programs/programs.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { HookRegistry } from "../fleet/hook_registry.ts";
import type { InstallerBoot } from "../fleet/ports.ts";
import type { ImageService } from "../images/image_service.ts";
import { Media } from "../media/media.ts";
import { MediaTable } from "../store/media.ts";
import type { ServerData } from "./open_data.ts";
import type { StartContext } from "./start_context.ts";

interface MediaParts {
  readonly data: ServerData;
  readonly images: ImageService;
  readonly fleet: Fleet;
  readonly hooks: HookRegistry;
  readonly installer: () => InstallerBoot | undefined;
  /** The server as machines reach it; asked once it listens. */
  readonly server: () => string;
}

export function startMedia(
  { now }: StartContext,
  { data: { db, pin }, images, fleet, hooks, installer, server }: MediaParts,
): Media {
  return new Media({
    table: new MediaTable(db),
    images,
    hooks,
    netboot: fleet.netboot,
    bootFile: (name) => installer()?.file(name),
    program: readBootProgram,
    server,
    pin,
    now,
  });
}
