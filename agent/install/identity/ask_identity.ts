/** Asks a person at the node's console which node this machine is. One typed name is enough. */
import type { IdentityClaim } from "#contract/api.ts";
import { Cidr, describeIdentity, Hostname, type Identity, Ipv4Address } from "#contract/identity.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Console } from "../../sys/console.ts";

interface Asked {
  readonly identity: Identity;
  readonly message: string;
}

export async function askIdentity(
  { console, assigned, limitMs, claim, signal }: {
    console: Pick<Console, "line" | "ask">;
    /** The proposal, used if nobody answers in time. */
    assigned: Identity;
    limitMs: number;
    /** Claims the identity at the server; throws RackseedError (400, 409) if it is invalid or taken. */
    claim: (claim: IdentityClaim) => Promise<Identity>;
    signal: AbortSignal;
  },
): Promise<Asked> {
  const ask = (text: string) => console.ask(text, { limitMs, signal });
  console.line("");
  console.line(`Which machine is this? Without an answer, it will be ${describeIdentity(assigned)}.`);
  const named = await untilAccepted(console, async () => {
    const answer = await ask(`name [${assigned.hostname}]`);
    if (answer.by === "time" || answer.text === "") return { by: answer.by, identity: assigned };
    const name = Hostname.safeParse(answer.text);
    if (!name.success) throw refused(answer.text, name.error.issues[0]?.message);
    return { by: answer.by, identity: await claim({ hostname: name.data }) };
  });
  if (named.by === "time") {
    return {
      identity: assigned,
      message: `nobody answered in ${limitMs / 1000} s: ${describeIdentity(assigned)}`,
    };
  }
  const proposed = addressOf(named.identity);
  const identity = await untilAccepted(console, async () => {
    const answer = await ask(`address [${proposed}]`);
    if (answer.by === "time" || answer.text === "") return named.identity;
    return await claim({ hostname: named.identity.hostname, address: parseAddress(answer.text, proposed) });
  });
  return { identity, message: `answered at the console: ${describeIdentity(identity)}` };
}

/** Repeats the question, with the reason, until the answer is accepted. */
async function untilAccepted<T>(console: Pick<Console, "line">, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RackseedError) || ![400, 409].includes(error.status)) throw error;
      console.line(`Not accepted: ${error.reason}`);
    }
  }
}

/** The first interface's address, or "dhcp". */
function addressOf({ interfaces: [first] }: Identity): string {
  return first === undefined || first.addresses === "dhcp" ? "dhcp" : first.addresses[0] ?? "dhcp";
}

/** An address without a prefix gets that of the proposal. */
function parseAddress(text: string, proposed: string): string {
  if (text === "dhcp") return text;
  const [, prefix] = /^[\d.]+\/(\d+)$/.exec(proposed) ?? [];
  const whole = Ipv4Address.safeParse(text).success && prefix !== undefined ? `${text}/${prefix}` : text;
  const address = Cidr.safeParse(whole);
  if (address.success) return address.data;
  throw refused(text, address.error.issues[0]?.message);
}

function refused(text: string, why = "it is not an address"): RackseedError {
  return new RackseedError(`cannot use "${text}"`, {
    reason: `${why}.`,
    remedy: "type another one.",
    status: 400,
  });
}
