/** The document's own words: what its parts mean that no schema says. */
import { IDEMPOTENCY_KEY } from "#contract/api/fields.ts";
import type { Access } from "../../access/principal.ts";

export const ABOUT = `
JSON over HTTPS. The command line and the pages use nothing else.

**Credentials.** \`Authorization: Bearer TOKEN\` with a personal token (\`rackseed token add\`) or the admin token. A token
has the form \`rs1.PIN.SECRET\`: clients of Rackseed pin the server's certificate by its middle part, and the header
takes the whole token or its SECRET alone.

**Problems.** Whatever is refused is answered as \`application/problem+json\` (RFC 9457), with \`detail\` for the cause
and \`remedy\` for what to do about it.

**Orders.** Deployments, restores, captures and backups take an \`Idempotency-Key\`. If the answer is lost, repeat the
request with the same key: the order is carried out once. After a problem of status 4xx nothing was done, and the key
may be used again.

**Lists.** Long lists take a \`limit\` and filters. Follow the \`Link\` header of each page to the next one. A filter
that is not known is refused.

**Settings.** What can be set has an \`ETag\`. Send it along as \`If-Match\`, and a change is refused (412) if somebody else
made one meanwhile.

**Changes.** Within v1, fields are added to answers, never removed, and paths, names and ids stay. Ignore fields that
you do not know. Names and ids of nodes, images, captures and deployments are never given to others while they exist.
`.trim();

/** The path parameters, by name. */
export const PARAMETERS: Readonly<Record<string, string>> = {
  capture: "Id of a capture.",
  file: "Name of a file.",
  id: "Id, as the list shows it.",
  medium: "Id of a bootable medium.",
  name: "Name.",
  node: "Name, MAC or id of a node.",
  part: "Number of the part, from 0 on.",
  ref: "NAME for the newest version of an image, NAME@VERSION or NAME@TAG.",
  schedule: "Name of a schedule.",
  site: "Name of a site.",
  scope: "Whose hook it is: all, image:NAME, group:LABEL or node:NAME.",
  standby: "Name of a standby.",
  tag: "Name of a tag.",
  to: "NAME, NAME@VERSION or NAME@TAG.",
  torrent: "Name of the version's torrent.",
  user: "Name of a user.",
  webhook: "Name of a webhook.",
  when: "The moment at which the hook runs.",
};

export const KEY_PARAMETER = {
  name: IDEMPOTENCY_KEY,
  in: "header",
  required: false,
  description:
    "A new one for every order, such as a UUID. Within 24 hours, the same order with the same key is " +
    "answered as before, and not carried out again.",
};

export const MATCH_PARAMETER = {
  name: "If-Match",
  in: "header",
  required: false,
  description: "The ETag of what was read: the change is refused (412) if it was changed since.",
};

export const HEADERS = {
  ETag: "The tag of the settings, for If-Match.",
  Link: 'The next page, if there is one: `</api/v1/…>; rel="next"` (RFC 8288).',
};

export const PROBLEMS: Readonly<Record<number, string>> = {
  400: "The request is not understood.",
  401: "The credential is missing, unknown or expired.",
  403: "The caller may not do this, or the request comes from another site's page.",
  404: "Something that the request names does not exist.",
  408: "The body arrived too slowly.",
  409: "It does not fit the current state.",
  412: "It was changed since the tag in If-Match was read.",
  413: "The body is too large.",
  415: "The body has another content type or encoding.",
  422: "The Idempotency-Key came with another request before.",
  428: "It needs a quote of the machine's TPM.",
};
export const SERVER_PROBLEM = "The server failed, has no room on its disk (507), or is too busy (503).";

/** What a call needs, as a role in `security` and in words. */
export const NEEDS: Readonly<Record<Access, { readonly role: string; readonly text: string }>> = {
  view: { role: "viewer", text: "For every role." },
  order: {
    role: "group-operator",
    text: "For operators, if all nodes that it names are in their groups, and for admins.",
  },
  operate: { role: "operator", text: "For operators who are not limited to groups, and for admins." },
  administer: { role: "admin", text: "For admins." },
};

const ROLES =
  "Roles, each with the rights of those before it: viewer, group-operator (an operator who is limited to " +
  "groups of nodes), operator, admin.";

/** `cookie`: name of the page's cookie. */
export function securitySchemes(cookie: string) {
  const bearer = (description: string) => ({ type: "http", scheme: "bearer", description });
  return {
    token: bearer(`A personal token, or the admin token. ${ROLES}`),
    page: {
      type: "apiKey",
      in: "cookie",
      name: cookie,
      description: `The page's login; changes are taken from the page itself only (Origin). ${ROLES}`,
    },
    agent: bearer("The token of a node's own agent, for a template and captures of that node."),
    boot: bearer("A node's boot token, good for one enrolment."),
    session: bearer("The session of a node's enrolment."),
    medium: bearer("The secret in a bootable medium's token."),
    relay: {
      type: "http",
      scheme: "signature",
      description:
        "An HTTP message signature (RFC 9421) with the key that a site's relay enrolled with; see " +
        "contract/relay_signature.ts. To enrol, the bearer token of the site as well.",
    },
    standby: bearer("The secret of a standby, or its one-time token."),
  };
}
