/**
 * Stands for the server while a machine is installed from a medium that carries the version: takes its reports and
 * answers its claims, so that the steps are the same as over the network.
 */
import type { IdentityClaim, Order, ReportAnswer, StepReport } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { Identity } from "#contract/identity.ts";
import type { z } from "zod";
import type { OrderClient } from "../../steps/enrol.ts";

export class MediumServer implements OrderClient {
  readonly server = new URL("medium:");
  readonly #assigned: Order["identity"]["assigned"];
  readonly #steps = new Map<string, StepReport>();

  constructor({ identity }: Pick<Order, "identity">) {
    this.#assigned = identity.assigned;
  }

  post<T extends z.ZodType>(
    path: string,
    { body, schema }: { body: unknown; schema: T },
  ): Promise<z.output<T>> {
    return Promise.try(() => schema.parse(this.#answer(path, body)) as z.output<T>);
  }

  send(_method: string, path: string, { json }: { json?: unknown } = {}): Promise<Response> {
    return Promise.try(() => {
      this.#answer(path, json);
      return new Response(null, { status: 204 });
    });
  }

  /** The reports of steps that are done, the last of each, without what only a live view needs. */
  get steps(): StepReport[] {
    return [...this.#steps.values()];
  }

  [Symbol.dispose](): void {}

  #answer(path: string, body: unknown): unknown {
    switch (path) {
      case "/node/report":
        return this.#report(body as StepReport);
      case "/node/identity":
        return this.#claim(body as IdentityClaim);
      // nobody is there to keep it: the clone has it
      case "/node/record":
        return undefined;
    }
    throw new RackseedError(`cannot ask a server for ${path}`, {
      reason: "this machine is installed from a medium, without a server.",
      remedy: "install it over the network.",
      status: 409,
    });
  }

  #report({ console: _, racks: __, ...report }: StepReport): ReportAnswer {
    if (report.state === "done") this.#steps.set(report.step, report);
    return { cancelled: false, seedOn: false };
  }

  /** What a person typed, or the old disk's. */
  #claim({ hostname, interfaces, address }: IdentityClaim): Identity {
    const [first, ...others] = this.#assigned.interfaces;
    if (interfaces !== undefined) return { ...this.#assigned, hostname, interfaces };
    if (address === undefined || first === undefined) return { ...this.#assigned, hostname };
    const addresses = address === "dhcp" ? address : [address];
    return Identity.parse({ ...this.#assigned, hostname, interfaces: [{ ...first, addresses }, ...others] });
  }
}
