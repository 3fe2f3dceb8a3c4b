/** What went wrong with a registry, so that the caller knows whether to try again. */
import { RackseedError } from "#contract/errors.ts";

/**
 * `unreachable`: no answer, or the registry's own trouble: try again later. `login`: it wants other credentials.
 * `refused`: it does not accept this. `missing`: no such blob, manifest or repository. `corrupt`: other bytes than the
 * digest says. `nonsense`: an answer that is not a registry's.
 */
export type RegistryFault = "unreachable" | "login" | "refused" | "missing" | "corrupt" | "nonsense";

const REMEDIES: Readonly<Record<RegistryFault, string>> = {
  unreachable: "check that the registry runs and that this server reaches it, then try again. If its " +
    "certificate is the site's own: --registry-ca-file; if it has none: --registry-http.",
  login: "log in with `docker login`, and name its file by --registry-auth-file; check the account's rights.",
  refused: "check the rights on the repository, and the registry's limits.",
  missing: "check the repository's name and the tag.",
  corrupt: "check the registry's storage, and `rackseed image verify` here; then try again.",
  nonsense: "check that this is the address of an OCI registry.",
};

export class RegistryError extends RackseedError {
  readonly fault: RegistryFault;

  constructor(title: string, { fault, reason, cause }: {
    fault: RegistryFault;
    reason: string;
    cause?: unknown;
  }) {
    super(title, { reason, remedy: REMEDIES[fault], status: 502, cause });
    this.fault = fault;
  }
}

export function registryFault(error: unknown): RegistryFault | undefined {
  return error instanceof RegistryError ? error.fault : undefined;
}
