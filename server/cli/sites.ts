/** `rackseed site …` and `rackseed upstream` */
import { type MirrorView, type SiteAnswer, SiteName, type SiteView } from "#contract/api/sites.ts";
import type { ApiClient } from "#contract/client.ts";
import { ImageRef } from "#contract/api/fields.ts";
import { formatBytes, formatCount, formatTime, percent } from "../words/figures.ts";
import { siteImages } from "../words/site_images.ts";
import { checked } from "../words/usage.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { print, printFields, printJson, printTable } from "./terminal.ts";

interface SiteOptions extends ConnectionOptions {
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

export async function addSite(name: string, { json, signal, ...options }: SiteOptions): Promise<void> {
  const named = nameOf(name);
  using client = await connect(options, signal);
  showToken(await client.call("POST /sites", { body: { name: named }, signal }), { json, did: "added" });
}

export async function makeToken(name: string, { json, signal, ...options }: SiteOptions): Promise<void> {
  const site = nameOf(name);
  using client = await connect(options, signal);
  const did = "made a new token for";
  showToken(await client.call("POST /sites/:site/token", { site, signal }), { json, did });
}

function showToken(answer: SiteAnswer, { json, did }: { json: boolean | undefined; did: string }): void {
  if (json) return printJson(answer);
  print(`${did} the site ${answer.site.name}`);
  print(`  token ${answer.token}`);
  print(`  It enrols one relay until ${formatTime(answer.expires)}. It is not shown again.`);
}

export async function revokeSite(name: string, { signal, ...options }: SiteOptions): Promise<void> {
  const site = nameOf(name);
  using client = await connect(options, signal);
  await client.call("POST /sites/:site/revoke", { site, signal });
  print(`revoked the relay of ${site}`);
}

export async function removeSite(name: string, { signal, ...options }: SiteOptions): Promise<void> {
  const site = nameOf(name);
  using client = await connect(options, signal);
  await client.call("DELETE /sites/:site", { site, signal });
  print(`removed the site ${site}`);
}

export async function assignImages(images: NamedImages, options: SiteOptions): Promise<void> {
  await eachImage(images, options, async (client, given) => {
    await client.call("PUT /sites/:site/images/:ref", given);
    print(`assigned ${given.ref} to ${given.site}`);
  });
}

export async function unassignImages(images: NamedImages, options: SiteOptions): Promise<void> {
  await eachImage(images, options, async (client, given) => {
    await client.call("DELETE /sites/:site/images/:ref", given);
    print(`${given.ref} is no longer assigned to ${given.site}`);
  });
}

interface NamedImages {
  readonly name: string;
  readonly refs: readonly string[];
}

async function eachImage(
  { name, refs }: NamedImages,
  { signal, ...options }: SiteOptions,
  work: (client: ApiClient, given: { site: string; ref: string; signal: AbortSignal }) => Promise<void>,
): Promise<void> {
  const site = nameOf(name), named = refs.map(refOf);
  using client = await connect(options, signal);
  for (const ref of named) await work(client, { site, ref, signal });
}

export async function listSites({ json, signal, ...options }: SiteOptions): Promise<void> {
  using client = await connect(options, signal);
  const sites = await client.call("GET /sites", { signal });
  if (json) return printJson(sites);
  if (sites.length === 0) return print("no sites yet; see `rackseed site add --help`");
  printTable(
    ["name", "state", "last heard", "images", "nodes"],
    sites.map((site) => [
      site.name,
      site.state,
      site.heard === undefined ? "never" : formatTime(site.heard),
      imagesText(site),
      nodesText(site),
    ]),
  );
}

export async function showSite(name: string, { json, signal, ...options }: SiteOptions): Promise<void> {
  const named = nameOf(name);
  using client = await connect(options, signal);
  const site = await client.call("GET /sites/:site", { site: named, signal });
  if (json) return printJson(site);
  printFields({
    "Site": site.name,
    "State": site.state,
    "Enrolled": site.enrolled && formatTime(site.enrolled),
    "Last heard": site.heard && `${formatTime(site.heard)} from ${site.address}`,
    "Revoked": site.revoked && formatTime(site.revoked),
    "Rackseed": site.rackseed,
    "Nodes": nodesText(site),
  });
  for (const { ref, version, problem } of site.assigned) {
    print(`  assigned ${ref}: ${version ?? problem ?? "unknown"}`);
  }
  for (const one of site.mirror) print(`  ${mirrorText(one)}`);
  if (site.list.length === 0) return;
  printTable(
    ["node", "state", "image", "problem"],
    site.list.map(({ name, state, image, problem }) => [name, state, image ?? "", problem ?? ""]),
  );
}

export async function listEvents(
  name: string,
  { node, json, signal, ...options }: SiteOptions & { node?: string | undefined },
): Promise<void> {
  const site = nameOf(name);
  using client = await connect(options, signal);
  const query = { limit: 200, ...(node !== undefined && { node }) };
  const events = await client.call("GET /sites/:site/events", { site, query, signal });
  if (json) return printJson(events);
  if (events.length === 0) return print("nothing was reported yet");
  printTable(
    ["time", "node", "what", "result", "image", "problem"],
    events.map(({ node, event: { at, kind, result, image, problem } }) => [
      formatTime(at),
      node,
      kind,
      result,
      image ?? "",
      problem?.detail ?? "",
    ]),
  );
}

export async function showUpstream({ json, signal, ...options }: SiteOptions): Promise<void> {
  using client = await connect(options, signal);
  const upstream = await client.call("GET /upstream", { signal });
  if (json) return printJson(upstream);
  const { url, site, heard, problem, queued, mirror } = upstream;
  printFields({
    "Upstream": url,
    "Site": site ?? "not enrolled yet",
    "Last answer": heard === undefined ? "none since the start" : formatTime(heard),
    "Problem": problem && `${problem.title}: ${problem.detail}`,
    "To be reported": `${formatCount(queued)} events`,
  });
  for (const one of mirror) print(`  ${mirrorText(one)}`);
}

function mirrorText({ image, version, state, doneBytes, totalBytes, problem }: MirrorView): string {
  const ref = `${image}@${version}`;
  if (state === "ready") return `${ref}: ready, ${formatBytes(totalBytes)}`;
  const done = `${percent(doneBytes, totalBytes)} % of ${formatBytes(totalBytes)}`;
  return `${ref}: ${state}, ${done}${problem === undefined ? "" : `: ${problem}`}`;
}

function imagesText(site: SiteView): string {
  const { ready, all, wrong } = siteImages(site);
  return `${ready} of ${all}${wrong > 0 ? `, ${wrong} wrong` : ""}`;
}

function nodesText({ nodes }: SiteView): string {
  const counts = Object.entries(nodes).map(([state, count]) => `${count} ${state}`);
  return counts.length === 0 ? "none" : counts.join(", ");
}

/** Throws UsageError. */
function nameOf(text: string): string {
  return checked(SiteName, { name: "site", value: text });
}

/** Throws UsageError. */
function refOf(text: string): string {
  return checked(ImageRef, { name: "image", value: text });
}
