/** A download's frames at a pace at which little of them would be lost with power. */
import type { Manifest } from "#contract/manifest.ts";
import { syncAllAside } from "../sys/kernel.ts";
import type { Download } from "./download.ts";
import { SafePace } from "./safe_pace.ts";

export interface SafeFrames {
  readonly frames: AsyncIterable<number>;
  /** To be told of every frame that is written, or of which nothing had to be. */
  onFrame(frame: number): void;
  /** When all are written. */
  end(): Promise<void>;
}

/**
 * For packs that lie in memory. `only`: the frames that are needed, all where absent. `sync`: where the machine has
 * other disks than the target's, what brings this one up to date.
 */
export function safeFrames(
  download: Download,
  { manifest, only, sync = syncAllAside }: {
    manifest: Manifest;
    only?: Iterable<number> | undefined;
    sync?: () => Promise<void>;
  },
): SafeFrames {
  const pace = new SafePace({
    totalBytes: manifest.frames.reduce((sum, { sealedBytes }) => sum + sealedBytes, 0),
    sync,
    hold: (isHeld) => download.hold(isHeld),
  });
  const bytesOf = (frame: number) => manifest.frames[frame]?.sealedBytes ?? 0;
  return {
    frames: download.frames(manifest, { only, onFrame: (frame) => pace.came(bytesOf(frame)) }),
    onFrame: (frame) => pace.written(bytesOf(frame)),
    end: () => pace.end(),
  };
}
