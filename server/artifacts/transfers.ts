/** Pushes and pulls that run or have run since the server was started. */
import { getLogger } from "@logtape/logtape";
import type { ImageKey, TransferView } from "#contract/api/transfers.ts";
import { RackseedError } from "#contract/errors.ts";
import { parseRegistryReference, type RegistryReference } from "#contract/registry_reference.ts";
import type { PublishPorts } from "../capture/publish.ts";
import type { Registry } from "../registry/registry.ts";
import type { ImageStore } from "../store/images.ts";
import { storeError } from "../store/store_error.ts";
import { pullVersion } from "./pull.ts";
import { pushVersion } from "./push.ts";

const log = getLogger(["rackseed", "artifacts"]);

const KEPT = 100;

interface Transfer {
  view: TransferView;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

interface TransferOptions {
  readonly store: ImageStore;
  readonly registry: Registry;
  readonly ports: PublishPorts;
  /** Called with a version that was pulled and published. */
  readonly onPulled: (ref: string) => Promise<void>;
}

export class Transfers implements AsyncDisposable {
  readonly #options: TransferOptions;
  readonly #transfers = new Map<string, Transfer>();
  /** Digests of artifacts that are being pulled. */
  readonly #pulled = new Set<string>();
  /** Repositories that versions were pushed to or pulled from, by registry. */
  readonly #repositories = new Map<string, Set<string>>();

  constructor(options: TransferOptions) {
    this.#options = options;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#transfers.values()];
    for (const { abort } of all) abort.abort(new Error("the server is stopping"));
    await Promise.all(all.map(({ done }) => done));
  }

  /** Throws RackseedError (400, 404, 409). */
  push(ref: string, artifact: string): TransferView {
    const { image, version } = this.#options.store.published(ref);
    const named = `${image}@${version}`;
    const to = referenceOf(artifact);
    if (to.reference.startsWith("sha256:")) {
      throw new RackseedError(`cannot push ${named} to ${artifact}`, {
        reason: "a digest cannot be chosen.",
        remedy: "name a tag: REGISTRY/REPOSITORY:TAG",
        status: 400,
      });
    }
    return this.#start({ kind: "push", artifact, image: named }, async (change, signal) => {
      const mountFrom = ({ registry, repository }: RegistryReference) =>
        [...this.#repositories.get(registry) ?? []].filter((other) => other !== repository);
      const { store, registry } = this.#options;
      const digest = await pushVersion(named, { to, onProgress: change }, {
        store,
        registry,
        mountFrom,
        signal,
      });
      change({ digest });
      this.#remember(to);
    });
  }

  /** Throws RackseedError (400). */
  pull(artifact: string, key: ImageKey | undefined): TransferView {
    const from = referenceOf(artifact);
    return this.#start({ kind: "pull", artifact }, async (change, signal) => {
      let pulled = "";
      const onImage = (image: string) => change({ image: pulled = image });
      const { digest, isNew } = await pullVersion({ from, key, onProgress: change, onImage }, {
        ...this.#options,
        underWay: this.#pulled,
        signal,
      });
      change({ digest });
      this.#remember(from);
      if (isNew) await this.#options.onPulled(pulled);
    });
  }

  /** Throws RackseedError (404). */
  get(id: string): TransferView {
    return this.#find(id).view;
  }

  /** Resolves when it has stopped. Throws RackseedError (404). */
  async cancel(id: string): Promise<TransferView> {
    const { abort, done } = this.#find(id);
    abort.abort(new Cancelled());
    await done;
    return this.get(id);
  }

  #find(id: string): Transfer {
    const found = this.#transfers.get(id);
    if (found) return found;
    throw new RackseedError(`cannot find the transfer ${id}`, {
      reason: "there is none of that id; a restart of the server ends and forgets them.",
      remedy: "push or pull again: what is there already is not sent again.",
      status: 404,
    });
  }

  /** The same order as one that runs joins it. */
  #start(
    named: Pick<TransferView, "kind" | "artifact" | "image">,
    work: (change: (part: Partial<TransferView>) => void, signal: AbortSignal) => Promise<void>,
  ): TransferView {
    const running = this.#transfers.values().find(({ view }) =>
      view.state === "running" && view.kind === named.kind && view.artifact === named.artifact &&
      (named.kind === "pull" || view.image === named.image)
    );
    if (running) return running.view;
    const abort = new AbortController();
    const id = crypto.randomUUID();
    const view: TransferView = {
      id,
      ...named,
      state: "running",
      activity: "beginning",
      started: new Date().toISOString(),
      bytesDone: 0,
      bytesTotal: 0,
      bytesSkipped: 0,
    };
    const change = (part: Partial<TransferView>) => {
      transfer.view = { ...transfer.view, ...part };
    };
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const transfer: Transfer = { view, abort, done };
    this.#transfers.set(id, transfer);
    this.#forgetOld();
    log.info("transfer-begun", { ...named });
    const end = (part: Partial<TransferView>) => {
      change({ ...part, ended: new Date().toISOString() });
      const { kind, artifact, image, state, bytesDone, bytesSkipped, problem } = transfer.view;
      log.info("transfer-ended", {
        kind,
        artifact,
        image,
        state,
        bytesDone,
        bytesSkipped,
        error: problem?.detail,
      });
    };
    work(change, abort.signal).then(
      () => end({ state: "done", activity: "done" }),
      (error) => {
        if (abort.signal.reason instanceof Cancelled) {
          return end({ state: "cancelled", activity: "cancelled" });
        }
        const title = `cannot ${named.kind} ${named.artifact}`;
        end({ state: "failed", activity: "failed", problem: storeError(title, error).toProblem() });
      },
    ).finally(resolve);
    return transfer.view;
  }

  #remember({ registry, repository }: RegistryReference): void {
    const known = this.#repositories.get(registry) ?? new Set();
    this.#repositories.set(registry, known.add(repository));
  }

  #forgetOld(): void {
    for (const [id, { view }] of this.#transfers) {
      if (this.#transfers.size <= KEPT) return;
      if (view.state !== "running") this.#transfers.delete(id);
    }
  }
}

class Cancelled extends Error {
  override readonly message = "it was cancelled";
}

function referenceOf(artifact: string): RegistryReference {
  const found = parseRegistryReference(artifact);
  if (found) return found;
  throw new RackseedError(`cannot use the name ${artifact.slice(0, 200)}`, {
    reason: "it is not REGISTRY/REPOSITORY:TAG.",
    remedy: "name it like registry.example:5000/site/web:3",
    status: 400,
  });
}
