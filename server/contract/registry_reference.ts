/**
 * Names of artifacts in OCI registries, REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@DIGEST. The grammar is that of
 * the OCI Distribution Specification 1.1, "Pulling manifests".
 */
import { z } from "zod";

/** A repository of a registry. */
export interface Repository {
  /** "registry.example:5000" */
  readonly registry: string;
  /** "site/web" */
  readonly repository: string;
}

export interface RegistryReference extends Repository {
  /** A tag, or "sha256:…" */
  readonly reference: string;
}

const HOST = String
  .raw`(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:)|\[[0-9a-fA-F:]+\])(?::\d{1,5})?`;
const PART = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`;
const REPOSITORY = String.raw`${PART}(?:\/${PART})*`;
const TAG = String.raw`[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`;

const REFERENCE = new RegExp(String.raw`^(${HOST})\/(${REPOSITORY})(?::(${TAG})|@(sha256:[0-9a-f]{64}))$`);
const REPOSITORY_ONLY = new RegExp(String.raw`^(${HOST})\/(${REPOSITORY})$`);
const MAX_LENGTH = 512;

/**
 * Undefined if the text is not a reference. The registry's name is never guessed: it has a dot or a port, or is
 * localhost.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseRegistryReference } from "#contract/registry_reference.ts";
 *
 * assert.deepEqual(parseRegistryReference("registry.example:5000/site/web:3"), {
 *   registry: "registry.example:5000",
 *   repository: "site/web",
 *   reference: "3",
 * });
 * assert.equal(parseRegistryReference("web:3"), undefined);
 * ```
 */
export function parseRegistryReference(text: string): RegistryReference | undefined {
  const [, registry, repository, tag, digest] = text.length > MAX_LENGTH ? [] : REFERENCE.exec(text) ?? [];
  const reference = tag ?? digest;
  return registry && repository && reference ? { registry, repository, reference } : undefined;
}

/** Undefined if the text is not REGISTRY/REPOSITORY. */
export function parseRepository(text: string): Repository | undefined {
  const [, registry, repository] = text.length > MAX_LENGTH ? [] : REPOSITORY_ONLY.exec(text) ?? [];
  return registry && repository ? { registry, repository } : undefined;
}

export function formatRegistryReference({ registry, repository, reference }: RegistryReference): string {
  return `${registry}/${repository}${reference.startsWith("sha256:") ? "@" : ":"}${reference}`;
}

export const RegistryName = z.string().refine((text) => parseRegistryReference(text) !== undefined, {
  error: "expected REGISTRY/REPOSITORY:TAG, for instance registry.example:5000/site/web:3",
});
