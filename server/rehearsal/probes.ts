/** Tries a probe once. The machine is not trusted: every answer is bounded in size and time. */
import type { Probe } from "#contract/api/rehearsals.ts";
import { messageOf } from "#contract/errors.ts";
import { loginPrompt } from "./console_text.ts";

/** Longest wait for one connection or answer. */
const TRY_MS = 5000;

interface ProbedMachine {
  localPort(port: number): Promise<number | undefined>;
  hasAccepted(port: number): Promise<boolean>;
}

interface Attempt {
  readonly passed: boolean;
  /** What was seen, or what is missing. */
  readonly seen: string;
}

/** `text`: what its serial console has shown. */
export async function tryProbe(
  probe: Probe,
  { machine, text, signal }: { machine: ProbedMachine; text: string; signal: AbortSignal },
): Promise<Attempt> {
  switch (probe.type) {
    case "login": {
      const prompt = loginPrompt(text);
      return { passed: prompt !== undefined, seen: prompt ?? missingOn(text, "no login prompt") };
    }
    case "console":
      return text.includes(probe.text)
        ? { passed: true, seen: probe.text }
        : { passed: false, seen: missingOn(text, "the text has not appeared") };
    case "tcp":
      return await tryTcp(probe.port, { machine, signal });
    case "http":
      return await tryHttp(probe, { machine, signal });
  }
}

/** The TCP ports that probes need. */
export function portsOf(probes: readonly Probe[]): number[] {
  return probes.flatMap((probe) => "port" in probe ? [probe.port] : []);
}

function missingOn(text: string, what: string): string {
  return text.trim() === ""
    ? `${what}: the machine has written nothing to its serial console. It needs console=ttyS0 among its kernel's ` +
      "parameters; or probe a port instead."
    : `${what} on the serial console`;
}

/** QEMU accepts every connection itself: only its own table tells whether the machine has. */
async function tryTcp(
  port: number,
  { machine, signal }: { machine: ProbedMachine; signal: AbortSignal },
): Promise<Attempt> {
  const local = await machine.localPort(port);
  if (local === undefined) return { passed: false, seen: "the port is not forwarded" };
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: local });
  const deadlineMs = Date.now() + TRY_MS;
  // reading tells when the machine has refused
  let isClosed = false;
  const reading = connection.read(new Uint8Array(1)).then(
    (n) => isClosed = n === null,
    () => isClosed = true,
  );
  while (!isClosed && Date.now() < deadlineMs && !signal.aborted) {
    if (await machine.hasAccepted(port)) return { passed: true, seen: `port ${port} accepts connections` };
    await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, 200))]);
  }
  return { passed: false, seen: `port ${port} ${isClosed ? "refuses connections" : "does not answer"}` };
}

async function tryHttp(
  { port, path = "/", status }: Extract<Probe, { type: "http" }>,
  { machine, signal }: { machine: ProbedMachine; signal: AbortSignal },
): Promise<Attempt> {
  const local = await machine.localPort(port);
  if (local === undefined) return { passed: false, seen: "the port is not forwarded" };
  try {
    const response = await fetch(`http://127.0.0.1:${local}${path}`, {
      redirect: "manual",
      headers: { connection: "close" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TRY_MS)]),
    });
    await response.body?.cancel();
    const passed = status === undefined
      ? response.status >= 200 && response.status < 400
      : response.status === status;
    return { passed, seen: `http://…:${port}${path} answers ${response.status}` };
  } catch (error) {
    signal.throwIfAborted();
    return { passed: false, seen: `port ${port} gives no HTTP answer: ${messageOf(error).slice(0, 200)}` };
  }
}
