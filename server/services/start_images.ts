/** Published versions: served in the swarm and over rsync, and looked after on the disk. */
import type { Publish } from "../fleet/ports.ts";
import { ImageService } from "../images/image_service.ts";
import { Notices } from "../images/notices.ts";
import { storeUpkeep } from "../images/store_upkeep.ts";
import type { Seeder } from "../swarm/seeder.ts";
import type { ServerData } from "./open_data.ts";
import { every, type StartContext } from "./start_context.ts";
import type { Registry } from "../registry/registry.ts";
import { type PackStoreControl, startPackStore } from "./start_pack_store.ts";
import { openRegistry, registrySeed } from "./start_registry.ts";

/** How soon a full disk, or a file that changed, is noticed. */
const UPKEEP_TICK_MS = 15_000;

interface ImageServices {
  readonly images: ImageService;
  readonly notices: Notices;
  readonly packStore: PackStoreControl;
  readonly registry: Registry;
}

export async function startImages(
  context: StartContext,
  { data, seeder, publish }: { data: ServerData; seeder: Seeder; publish: Publish },
): Promise<ImageServices> {
  const { store, directory } = data;
  const notices = new Notices((list) => publish({ type: "notices", notices: list }));
  const { stack, closing } = context;
  const registry = stack.use(openRegistry(context.options));
  const elsewhere = registrySeed(context, { registry, notices });
  const images = new ImageService(store, { seeder, notices, elsewhere });
  stack.use(images.files);
  const packStore = await startPackStore(context, {
    data,
    notices,
    onMoved: (refs) => images.serveAgain(refs),
    onDamage: (path, what) => images.found(path, what),
  });
  await images.start();
  const upkeep = storeUpkeep({ images, directory, notices, strays: store.strays, signal: closing });
  stack.use(every(UPKEEP_TICK_MS, upkeep));
  upkeep();
  packStore.begin();
  return { images, notices, packStore, registry };
}
