/** A capture service with a data directory and stand-ins for torrent and boot files, for tests. */
import type { CaptureView } from "#contract/api.ts";
import { openDatabase } from "../../store/database.ts";
import { DataDirectory } from "../../store/data_directory.ts";
import { ImageStore, type ImageStoreOptions } from "../../store/images.ts";
import { openSigningKey } from "../../store/keys.ts";
import { CaptureService } from "../capture_service.ts";
import type { PublishPorts } from "../publish.ts";

export interface TestServer extends AsyncDisposable {
  readonly store: ImageStore;
  readonly service: CaptureService;
  /** Resolves when the capture is published, failed or cancelled. */
  ended(id: string): Promise<CaptureView>;
}

export async function openTestServer(
  path: string,
  options: Partial<PublishPorts & Pick<ImageStoreOptions, "inUse" | "packBytes">> = {},
): Promise<TestServer> {
  const directory = new DataDirectory(path);
  const db = openDatabase(directory.database);
  const store = new ImageStore({ db, directory, signingKey: await openSigningKey(directory), ...options });
  const ends = new Map<string, PromiseWithResolvers<CaptureView>>();
  const endOf = (id: string) => {
    const end = ends.get(id) ?? Promise.withResolvers<CaptureView>();
    ends.set(id, end);
    return end;
  };
  const service = new CaptureService({
    db,
    store,
    makeTorrent: (files) =>
      Promise.resolve({
        metainfo: new TextEncoder().encode(files.map((f) => f.name).join("\n")),
        infoHash: "0".repeat(40),
      }),
    makeBoot: () => Promise.resolve({ bootable: false, notes: ["no kernel"] }),
    onChange: (view) => {
      if (view.finished !== undefined) endOf(view.id).resolve(view);
    },
    ...options,
  });
  return {
    store,
    service,
    ended: (id) => endOf(id).promise,
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      store[Symbol.dispose]();
      db.close();
    },
  };
}
