/** A version that an installation takes from somewhere: from the swarm, or from a medium. */
import type { Manifest } from "#contract/format/manifest.ts";
import type { Download } from "./download.ts";

/** What an installation needs of a download; MediumPacks is another one. */
export type ImageDownload =
  & Pick<
    Download,
    | "progress"
    | "fetchOnly"
    | "frames"
    | "forgetPacks"
    | "packPath"
    | "downloadedBytes"
    | "uploadedBytes"
  >
  & AsyncDisposable;

/** A version that is there or comes, and its manifest. */
export interface JoinedImage {
  readonly download: ImageDownload;
  readonly manifest: Manifest;
  /** Whether the target's disk is free of packs. */
  readonly inMemory: boolean;
}
