/** The pack store: a bucket, if the settings name one. */
import type { PackStoreView } from "#contract/api/pack_store.ts";
import { RackseedError } from "#contract/errors.ts";
import { openBucket } from "../bucket/open_bucket.ts";
import type { Notices } from "../images/notices.ts";
import { PackStore } from "../pack_store/pack_store.ts";
import { BucketObjects, type PackHome } from "../store/bucket_objects.ts";
import { PACK_STORE_FILE } from "../store/data_directory.ts";
import { removeSync } from "../store/durable.ts";
import type { ServerData } from "./open_data.ts";
import { every, type StartContext } from "./start_context.ts";

/** How soon a new version is uploaded, or a failed round tried again. */
const ROUND_MS = 5_000;

/** For the API. */
export interface PackStoreControl {
  view(): PackStoreView;
  /** Throws RackseedError (409) if there is no bucket. */
  moveTo(home: PackHome): PackStoreView;
}

/** Versions are then served from where their packs are. Throws RackseedError. */
export async function startPackStore(
  { options, stack, closing, now }: StartContext,
  { data: { db, store }, notices, onMoved, onDamage }: {
    data: ServerData;
    notices: Notices;
    onMoved: (refs: readonly string[]) => Promise<void>;
    onDamage: (path: string, what: string) => void;
  },
): Promise<PackStoreControl & { begin(): void }> {
  const objects = new BucketObjects(db);
  const bucket = openBucket(options);
  const note = `${options.data}/${PACK_STORE_FILE}`;
  if (bucket === undefined) {
    objects.assertUsableWith(undefined);
    objects.forgetBucket();
    removeSync(note);
    return { view: () => ({ kind: "local" }), moveTo: noBucket, begin: () => {} };
  }
  stack.use(bucket);
  Deno.writeTextFileSync(note, `${bucket.url}\n`, { mode: 0o600 });
  const packs = new PackStore({
    bucket,
    objects,
    store,
    notices,
    cacheBytes: options.cacheSize,
    publicUrl: options.s3PublicUrl,
    onMoved,
    onDamage,
    signal: closing,
    now,
  });
  store.packSource = packs;
  await packs.restoreFiles();
  return {
    view: () => packs.view(),
    moveTo(home) {
      packs.moveTo(home);
      void packs.tick();
      return packs.view();
    },
    begin() {
      stack.use(every(ROUND_MS, () => void packs.tick()));
      // an upload that stops in the middle must not outlive the database
      stack.defer(() => packs.tick());
      void packs.tick();
    },
  };
}

function noBucket(): never {
  throw new RackseedError("cannot move the packs", {
    reason: "this server has no pack store.",
    remedy: "start it with --pack-store s3://BUCKET/PREFIX; it then moves them there.",
    status: 409,
  });
}
