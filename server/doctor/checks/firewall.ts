/**
 * Whether nftables lets nodes in, also where iptables wrote its rules. Only what is certain is reported: a chain on the
 * input hook that drops by default, and no rule that accepts the port (nft(8), libnftables-json(5)).
 */
import { z } from "zod";
import type { DoctorOptions, DoctorSystem, Finding } from "../finding.ts";
import { portsOf } from "./ports.ts";

const check = "firewall";

const Chain = z.object({
  family: z.string(),
  table: z.string(),
  name: z.string(),
  hook: z.string().optional(),
  policy: z.string().optional(),
});
const Rule = z.object({
  family: z.string(),
  table: z.string(),
  chain: z.string(),
  expr: z.array(z.unknown()).optional(),
});
const Ruleset = z.object({
  nftables: z.array(z.looseObject({ chain: Chain.optional(), rule: Rule.optional() })),
});

/** "tcp dport 8443", "th dport { 69, 6969 }". */
const Match = z.object({
  match: z.object({
    left: z.object({ payload: z.object({ protocol: z.string(), field: z.literal("dport") }) }),
    right: z.unknown(),
  }),
});

export async function checkFirewall(options: DoctorOptions, system: DoctorSystem): Promise<Finding[]> {
  const text = await system.ruleset();
  if (text === undefined) return [{ check, level: "ok", text: "no nftables rules can be read" }];
  const { nftables } = Ruleset.parse(JSON.parse(text));
  const closed = nftables.flatMap(({ chain }) =>
    chain?.hook === "input" && chain.policy === "drop" && chain.family !== "ip6" ? [chain] : []
  );
  const findings = closed.flatMap((chain) => {
    // rules of chains that this one jumps to may accept too
    const rules = nftables.flatMap(({ rule }) =>
      rule?.family === chain.family && rule.table === chain.table ? [rule.expr ?? []] : []
    );
    const shut = portsOf(options).filter(({ protocol, port }) =>
      !rules.some((expr) => accepts(expr, { protocol, port }))
    );
    return shut.length === 0 ? [] : [finding(`${chain.family} ${chain.table} ${chain.name}`, shut)];
  });
  return findings.length > 0
    ? findings
    : [{ check, level: "ok", text: "nftables drops none of the server's ports" }];
}

function finding(
  chain: string,
  shut: readonly { name: string; protocol: string; port: number }[],
): Finding {
  const ports = shut.map(({ name, protocol, port }) => `${name} (${protocol} ${port})`).join(", ");
  const rules = ["tcp", "udp"].flatMap((protocol) => {
    const numbers = shut.filter((s) => s.protocol === protocol).map(({ port }) => port);
    return numbers.length === 0
      ? []
      : [`nft add rule ${chain} ${protocol} dport { ${numbers.join(", ")} } accept`];
  });
  return {
    check,
    level: "problem",
    text: `the firewall's chain ${chain} drops by default and accepts no ${ports}`,
    remedy: `${rules.join("; ")}, and in the firewall's configuration for good.`,
  };
}

/** Whether the rule accepts new packets to this port. */
function accepts(expr: readonly unknown[], { protocol, port }: { protocol: string; port: number }): boolean {
  if (!expr.some((e) => typeof e === "object" && e !== null && "accept" in e)) return false;
  const matches = expr.flatMap((e) => {
    const match = Match.safeParse(e);
    return match.success ? [match.data.match] : [];
  });
  if (matches.length === 0) {
    // "ct state established accept" lets in no new packet, and "iifname lo accept" no node
    return !JSON.stringify(expr).includes('"ct"') && !JSON.stringify(expr).includes('"lo"');
  }
  return matches.every(({ left, right }) =>
    [protocol, "th"].includes(left.payload.protocol) && holds(right, port)
  );
}

/** A port, a set of ports, or a range. */
function holds(right: unknown, port: number): boolean {
  if (right === port) return true;
  if (typeof right !== "object" || right === null) return false;
  if ("set" in right && Array.isArray(right.set)) return right.set.some((one) => holds(one, port));
  if (!("range" in right) || !Array.isArray(right.range)) return false;
  const [first, last] = right.range;
  return port >= Number(first) && port <= Number(last);
}
