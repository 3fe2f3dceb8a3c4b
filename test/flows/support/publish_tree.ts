import { CaptureView } from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import { compileExcludes } from "../../../agent/tree/excludes.ts";
import { sendCapture } from "../../../agent/capture/send_capture.ts";
import { TreeSource } from "../../../agent/capture/tree_source.ts";
import { waitFor } from "../../support/wait_for.ts";

/** What a captured machine tells about itself. */
export interface Machine {
  readonly layout?: DiskLayout | undefined;
  readonly source?: Source | undefined;
}

/** Publishes a directory as the next version of the image, as if that machine had been captured. */
export async function publishTree(
  client: ApiClient,
  { image, root, ...machine }: { image: string; root: string } & Machine,
): Promise<CaptureView> {
  const { id } = await client.post("/captures", { body: { image, level: 1 }, schema: CaptureView });
  const { signal } = new AbortController();
  const tree = new TreeSource(root, { excludes: compileExcludes([]), mountPoints: [] });
  await sendCapture({ api: client, capture: id, tree, ...machine, excludes: [], signal });
  return await waitFor(`${image} to be published`, async () => {
    const view = await client.get(`/captures/${id}`, CaptureView);
    if (view.state === "published") return view;
    if (view.state !== "publishing") throw new Error(`capture ${view.state}: ${view.problem?.detail}`);
    return undefined;
  }, { timeoutMs: 120_000, everyMs: 20 });
}
