/** Rehearsals: versions that are booted in a virtual machine at the server. */
import { messageOf } from "#contract/errors.ts";
import { getLogger } from "@logtape/logtape";
import type { Fleet } from "../fleet/fleet.ts";
import type { Publish } from "../fleet/ports.ts";
import type { ImageService } from "../images/image_service.ts";
import { Rehearsals } from "../rehearsal/rehearsals.ts";
import type { ServerData } from "./open_data.ts";
import type { StartContext } from "./start_context.ts";

const log = getLogger(["rackseed", "rehearsals"]);

interface RehearsalParts {
  readonly data: ServerData;
  readonly images: ImageService;
  readonly fleet: Fleet;
  readonly publish: Publish;
  /** The server as machines reach it; asked once it listens. */
  readonly server: () => string;
  /** "images/web@3/vmlinuz", as machines fetch it. */
  readonly bootFile: (name: string) => Response | Promise<Response>;
}

/** Call `resume` of it when the server listens. */
export function startRehearsals(
  { stack, now }: StartContext,
  { data: { rehearsals: table, directory }, images, fleet, publish, server, bootFile }: RehearsalParts,
): Rehearsals {
  const { orders } = fleet;
  return stack.use(
    new Rehearsals({
      table,
      folder: directory.rehearsals,
      images,
      freeBytes: () => directory.space().freeBytes,
      now,
      onChange: (rehearsal) => {
        publish({ type: "rehearsal", rehearsal });
        // its verdict is shown with the version
        if (rehearsal.state === "proved" || rehearsal.state === "failed") publish({ type: "images" });
      },
      site: () => ({
        server: server(),
        async addNode(name, settings) {
          await Promise.resolve(fleet.put(name, settings));
        },
        arm(name, image) {
          const { nodes: [ordered] } = orders.deploy({
            nodes: [name],
            image,
            seed: { mode: "none" },
            force: true,
            identity: "assign",
            isRehearsal: true,
          });
          return Promise.resolve(ordered?.token ?? "");
        },
        node: (name) => Promise.try(() => fleet.get(name)),
        removeNode(name) {
          for (const end of [() => void orders.cancel(name), () => fleet.delete(name)]) {
            try {
              end();
            } catch (error) {
              // it has no order any more, or is gone
              log.debug("not-ended", { node: name, error: messageOf(error) });
            }
          }
          return Promise.resolve();
        },
        async bootFile(image, { file, path }) {
          const { body, ok, status } = await bootFile(`images/${image}/${file}`);
          if (!ok) throw new Error(`the server has no ${file} of ${image} (${status})`);
          await Deno.writeFile(path, body ?? new Uint8Array());
        },
      }),
    }),
  );
}
