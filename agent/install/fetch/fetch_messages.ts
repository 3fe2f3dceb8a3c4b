/** What the steps "torrent" and "install" show on the console and report to the server. Pure. */
import type { Manifest } from "#contract/format/manifest.ts";
import { megabytes } from "../../steps/figures.ts";
import type { Comparison, ComparisonResult } from "../compare/comparison.ts";
import { LEFT_ALONE } from "../extract/frame_plan.ts";
import type { DownloadProgress } from "./download.ts";

/** What a comparison found on the target, and what is left to fetch. */
export function describeComparison(
  { found, differences }: ComparisonResult,
  { comparison, manifest, missingBytes }: {
    comparison: Comparison;
    manifest: Manifest;
    missingBytes: number;
  },
): string {
  const read = `${megabytes(found.contents.readBytes)} read`;
  if (comparison.why === "resumes") {
    const total = manifest.frames.length, done = total - differences.routes.length;
    return `resumes: ${done} of ${total} frames are in place (${read}), ${megabytes(missingBytes)} to fetch`;
  }
  if (comparison.why === "installs") {
    const left = found.states.reduce((sum, state) => sum + (state === LEFT_ALONE ? 1 : 0), 0);
    return `${manifest.entries.length - left} of ${manifest.entries.length} entries, ` +
      `${megabytes(missingBytes)} to fetch; the others belong to disks that are left alone`;
  }
  const unread = manifest.entries.filter(({ type }, i) => type === "file" && found.trusted.has(i)).length;
  const untouched = unread > 0 ? `, ${unread} untouched files not read` : "";
  const { list, fetchBytes } = differences;
  return `${list.length} differences (${read}${untouched}), ${megabytes(fetchBytes)} to fetch`;
}

/** Unusual sources, missing peers and banned ones. */
export function describeTransfer(
  { bytesDone, bytesTotal, peers, source, banned }: DownloadProgress,
): string[] {
  const place = source === "web seed"
    ? ["fetched from a web seed"]
    : source === "http"
    ? ["fetched from the server over HTTPS"]
    : peers === 0 && bytesDone < bytesTotal
    ? ["no peers yet"]
    : [];
  return [...place, ...banned.map((name) => `${name} banned for corrupt data`)];
}
