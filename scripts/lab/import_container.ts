/** A container image of the lab's Debian becomes a version. */
import { writeContainerImage } from "./container_image.ts";
import { debianTree } from "./debian.ts";
import type { ProductServer } from "./product_server.ts";
import type { Workplace } from "./workplace.ts";

export async function importContainer(
  { timeline, cache, folder, signal, firmware, addresses, sshKey }: Workplace,
  { image, server }: { image: string; server: ProductServer },
): Promise<void> {
  const tree = await timeline.measure("Debian tree", () => debianTree({ cache, work: folder, signal }));
  const container = `${folder}/container`;
  await timeline.measure("container image: written", () =>
    writeContainerImage({
      tree,
      folder: container,
      address: `${addresses.template}/${addresses.prefix}`,
      authorizedKey: sshKey.publicKey,
      signal,
    }));
  await timeline.measure(
    "container image: imported",
    () => server.rackseed("image", "import", image, container, "--firmware", firmware, "--level", "3"),
  );
  await Deno.remove(container, { recursive: true });
}
