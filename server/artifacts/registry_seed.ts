/**
 * A registry as the web seed: where nodes fetch a file of a version from, if the repository has it as a blob. It is asked
 * as a node would ask it, without a login and for one byte; so a registry that nodes cannot use is never named to them.
 */
import { getLogger } from "@logtape/logtape";
import type { Notice } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Repository } from "#contract/registry_reference.ts";
import { fetchFailure } from "../connections/outgoing.ts";
import { drop, type RegistryRequests } from "../registry/registry_requests.ts";

const log = getLogger(["rackseed", "artifacts"]);

/** How long an answer counts. A signed URL of a registry's storage is good for minutes. */
const GOOD_MS = 60_000, BAD_MS = 10_000;
/** Blobs whose answers are kept: 256 TB of packs. */
const MAX_KNOWN = 1_000_000;

/** A file of a version. */
export interface SeededFile {
  readonly sha256: string;
  readonly sizeBytes: number;
}

interface Known {
  readonly url: Promise<string | undefined>;
  untilMs: number;
}

export class RegistrySeed {
  readonly #requests: RegistryRequests;
  readonly #repository: Repository;
  readonly #onProblem: (notice: Notice | undefined) => void;
  readonly #signal: AbortSignal;
  readonly #now: () => number;
  /** By hash. */
  readonly #known = new Map<string, Known>();

  constructor(requests: RegistryRequests, { repository, onProblem, signal, now }: {
    repository: Repository;
    /** Called with what keeps nodes from fetching there, or undefined once nothing does. */
    onProblem: (notice: Notice | undefined) => void;
    signal: AbortSignal;
    now: () => number;
  }) {
    this.#requests = requests;
    this.#repository = repository;
    this.#onProblem = onProblem;
    this.#signal = signal;
    this.#now = now;
  }

  /** Undefined if nodes cannot fetch the file there now. */
  urlOf(file: SeededFile): Promise<string | undefined> {
    const known = this.#known.get(file.sha256);
    if (known !== undefined && this.#now() < known.untilMs) return known.url;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    const asked: Known = { url: this.#ask(file), untilMs: Infinity };
    this.#known.set(file.sha256, asked);
    asked.url.then((url) => asked.untilMs = this.#now() + (url === undefined ? BAD_MS : GOOD_MS));
    return asked.url;
  }

  async #ask({ sha256, sizeBytes }: SeededFile): Promise<string | undefined> {
    const { registry, repository } = this.#repository;
    try {
      const url = await this.#requests.urlOf(
        { ...this.#repository, signal: this.#signal },
        `blobs/sha256:${sha256}`,
      );
      const task = {
        ...this.#repository,
        title: `cannot use ${registry}/${repository} as a web seed`,
        signal: this.#signal,
        headers: { range: "bytes=0-0" },
      };
      const open = await this.#requests.look(url, { ...task, isLoggedIn: false });
      await drop(open);
      if (open.status === 404) return undefined;
      const found = open.status === 401
        ? await this.#behindLogin(url, task)
        : isRedirect(open) || isFirstByte(open, sizeBytes)
        ? url.href
        : this.#refuse(`it answers ${open.status} to a request for one byte`);
      if (found !== undefined) this.#onProblem(undefined);
      return found;
    } catch (error) {
      if (!this.#signal.aborted) {
        this.#refuse(error instanceof RackseedError ? error.reason : fetchFailure(error));
      }
      return undefined;
    }
  }

  /** The address that the registry's storage has for the file, if the registry sends readers there. */
  async #behindLogin(
    url: URL,
    task: Repository & { title: string; signal: AbortSignal; headers: Record<string, string> },
  ): Promise<string | undefined> {
    const answer = await this.#requests.look(url, { ...task, isLoggedIn: true });
    await drop(answer);
    if (answer.status === 404) return undefined;
    const location = answer.headers.get("location");
    if (isRedirect(answer) && location !== null && URL.canParse(location, url)) {
      return new URL(location, url).href;
    }
    return this.#refuse("it sends blobs only to those who log in, which nodes cannot");
  }

  #refuse(reason: string): undefined {
    const { registry, repository } = this.#repository;
    log.debug("registry-no-seed", { registry, repository, reason });
    this.#onProblem({
      subject: `registry ${registry}/${repository}`,
      problem: `nodes cannot fetch images from it: ${reason}`,
      remedy:
        "let the registry serve this repository without a login, or start the server without --registry-seed.",
    });
    return undefined;
  }
}

function isRedirect({ status, headers }: Response): boolean {
  return [301, 302, 303, 307, 308].includes(status) && headers.has("location");
}

function isFirstByte({ status, headers }: Response, sizeBytes: number): boolean {
  return status === 206 && headers.get("content-range") === `bytes 0-0/${sizeBytes}`;
}
