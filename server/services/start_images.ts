/** Published versions: served in the swarm and over rsync, and looked after on the disk. */
import type { Publish } from "../fleet/ports.ts";
import { ImageService } from "../images/image_service.ts";
import { Notices } from "../images/notices.ts";
import { storeUpkeep } from "../images/store_upkeep.ts";
import type { Seeder } from "../swarm/seeder.ts";
import type { ServerData } from "./open_data.ts";
import { every, type StartContext } from "./start_context.ts";

/** How soon a full disk, or a file that changed, is noticed. */
const UPKEEP_TICK_MS = 15_000;

interface ImageServices {
  readonly images: ImageService;
  readonly notices: Notices;
}

export async function startImages(
  { stack, closing }: StartContext,
  { data: { store, directory }, seeder, publish }: { data: ServerData; seeder: Seeder; publish: Publish },
): Promise<ImageServices> {
  const notices = new Notices((list) => publish({ type: "notices", notices: list }));
  const images = new ImageService(store, { seeder, notices });
  stack.use(images.files);
  await images.start();
  const upkeep = storeUpkeep({ images, directory, notices, strays: store.strays, signal: closing });
  stack.use(every(UPKEEP_TICK_MS, upkeep));
  upkeep();
  return { images, notices };
}
