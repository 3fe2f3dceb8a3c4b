import { CaptureView } from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { compileExcludes } from "../../../agent/tree/excludes.ts";
import { sendCapture } from "../../../agent/capture/send_capture.ts";
import { TreeSource } from "../../../agent/capture/tree_source.ts";
import { waitFor } from "../../support/wait_for.ts";

/** Publishes a directory as the next version of the image, as if a machine with this layout had been captured. */
export async function publishTree(
  client: ApiClient,
  { image, root, layout }: { image: string; root: string; layout?: DiskLayout | undefined },
): Promise<CaptureView> {
  const { id } = await client.post("/captures", { body: { image, level: 1 }, schema: CaptureView });
  const { signal } = new AbortController();
  const tree = new TreeSource(root, { excludes: compileExcludes([]), mountPoints: [] });
  await sendCapture({ api: client, capture: id, tree, layout, excludes: [], signal });
  return await waitFor(`${image} to be published`, async () => {
    const view = await client.get(`/captures/${id}`, CaptureView);
    if (view.state === "published") return view;
    if (view.state !== "publishing") throw new Error(`capture ${view.state}: ${view.problem?.detail}`);
    return undefined;
  }, { timeoutMs: 120_000, everyMs: 20 });
}
