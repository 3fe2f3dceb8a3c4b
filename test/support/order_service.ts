/**
 * The HTTPS service that an agent gets its order from, without the rest of the server: it orders every machine to have
 * its hardware read, which touches no disk.
 */
import { API, Enrolment, StepReport } from "#contract/api.ts";
import { MediumBoot } from "#contract/api/media.ts";
import { formatToken, pinOf } from "#contract/token.ts";
import { issueServerCertificate, openAuthority } from "../../server/access/tls.ts";

const SECRET = "s".repeat(32), SESSION = "t".repeat(32);

/** What machines boot by that a medium started. */
export const ORDERED_IMAGE = "web@3";

/** What the service prints when the first report of an agent arrives. */
export const agentReported = "an agent reports";

/** A token that is valid for the service with the certificate authority in `folder`, which is made at the first call. */
export async function orderToken(
  folder: string,
): Promise<{ readonly token: string; readonly pin: string; readonly ca: string }> {
  const { pem: ca } = await openAuthority(folder), pin = pinOf(ca);
  return { ca, pin, token: formatToken({ pin, secret: SECRET }) };
}

export async function serveOrders(
  { hostname, port = 8443, folder, signal, onCall = () => {} }: {
    hostname: string;
    port?: number;
    folder: string;
    signal: AbortSignal;
    onCall?: (call: string) => void;
  },
): Promise<Deno.HttpServer<Deno.NetAddr>> {
  const authority = await openAuthority(folder);
  const certificate = await issueServerCertificate(authority, [hostname]);
  const options = { hostname, port, ...certificate, signal, onListen: () => {} };
  return Deno.serve(options, async (request) => {
    const call = `${request.method} ${new URL(request.url).pathname}`;
    onCall(call);
    const has = (secret: string) => request.headers.get("authorization") === `Bearer ${secret}`;
    if (call === "GET /ca.pem") return new Response(authority.pem);
    if (call === `POST ${API}/node/enrol` && has(SECRET)) {
      const { reports = [] } = Enrolment.parse(await request.json());
      for (const { step } of reports) console.log(`${agentReported}: ${step}`);
      const discover = { listenSeconds: 0 };
      return Response.json({ session: SESSION, deployment: "d1", node: "n1", discover });
    }
    if (call === `POST ${API}/node/medium` && has(SECRET)) {
      const { macs: [mac] } = MediumBoot.parse(await request.json());
      return Response.json({
        image: ORDERED_IMAGE,
        token: formatToken({ pin: pinOf(authority.pem), secret: SECRET }),
        mac,
      });
    }
    if (call === `POST ${API}/node/report` && has(SESSION)) {
      const { step } = StepReport.parse(await request.json());
      console.log(`${agentReported}: ${step}`);
      return Response.json({ cancelled: false, seedOn: false });
    }
    return new Response(`not for this agent: ${call}`, { status: 404 });
  });
}
