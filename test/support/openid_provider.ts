/**
 * oidc-provider as the site's OpenID provider, in a process of its own: certified by the OpenID Foundation, with its
 * own login page. Prints its port; reads `{ redirectUri }`, and serves once it knows that.
 *
 * Everybody may log in, with any password. What a person is a member of stands in the name: "anna+admins".
 */
import { createServer } from "node:http";
import Provider from "oidc-provider";

const CLIENT = { id: "rackseed", secret: "provider secret" };

const server = createServer((_, response) => response.writeHead(503).end());
server.listen(0, "127.0.0.1", async () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  console.log(JSON.stringify({ port: address.port, client: CLIENT }));
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const { redirectUri } = JSON.parse(text);
    const provider = new Provider(`http://127.0.0.1:${address.port}`, configuration(redirectUri));
    server.removeAllListeners("request");
    server.on("request", provider.callback());
    console.log(JSON.stringify({ serves: true }));
  }
  Deno.exit();
});

function configuration(redirectUri: string) {
  return {
    clients: [{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: [redirectUri] }],
    scopes: ["openid", "profile", "groups"],
    claims: { openid: ["sub"], profile: ["preferred_username"], groups: ["groups"] },
    pkce: { required: () => true },
    cookies: { keys: ["of a test"] },
    findAccount: (_: unknown, id: string) => {
      const [name, ...groups] = id.split("+");
      return { accountId: id, claims: () => ({ sub: id, preferred_username: name, groups }) };
    },
  };
}
